-- A ledger written by version 5 of the ledger's schema, with a job in each state.
PRAGMA foreign_keys = off;
PRAGMA user_version = 5;
PRAGMA application_id = 2054120820;
BEGIN TRANSACTION;
CREATE TABLE clock (
    row     INTEGER PRIMARY KEY CHECK (row = 1),
    highest INTEGER NOT NULL
) STRICT;
CREATE TABLE driver (
    row     INTEGER PRIMARY KEY CHECK (row = 1),
    token   TEXT NOT NULL,
    process INTEGER NOT NULL,
    host    TEXT NOT NULL,
    since   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE TABLE earlier_attempts (
    job             TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    retries         INTEGER NOT NULL,
    replaced_at     INTEGER NOT NULL,
    state           TEXT NOT NULL,
    charge          TEXT NOT NULL,
    cost_amount     TEXT,
    cost_unit       TEXT,
    provider_key    TEXT NOT NULL,
    ticket          TEXT,
    provider_job_id TEXT,
    error_kind      TEXT,
    error_message   TEXT,
    PRIMARY KEY (job, retries)
) STRICT;
CREATE TABLE history (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL,
    error_kind TEXT
) STRICT;
INSERT INTO "history" VALUES('01a22097-0acb-73d8-8da8-6b5b26c35ebf',1795843099417,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-0acb-73d8-8da8-6b5b26c35ebf',1795843099432,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-0acb-73d8-8da8-6b5b26c35ebf',1795843099447,'succeeded',NULL);
INSERT INTO "history" VALUES('01a22097-0bf2-700e-a530-db4a64dca2a7',1795843099684,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-0bf2-700e-a530-db4a64dca2a7',1795843099727,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-0bf2-700e-a530-db4a64dca2a7',1795843099843,'succeeded',NULL);
INSERT INTO "history" VALUES('01a22097-0d97-76df-8748-aa34e4532145',1795843100100,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-0d97-76df-8748-aa34e4532145',1795843100104,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-0d97-76df-8748-aa34e4532145',1795843100127,'failed','rejected');
INSERT INTO "history" VALUES('01a22097-0e30-761a-afc3-a6bc684fbcc7',1795843100271,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-0e30-761a-afc3-a6bc684fbcc7',1795843100298,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-0e30-761a-afc3-a6bc684fbcc7',1795843100323,'outcome_unknown','outcome_unknown');
INSERT INTO "history" VALUES('01a22097-0eea-71fd-8adb-c4b091fb12e9',1795843100405,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-0eea-71fd-8adb-c4b091fb12e9',1795843100432,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-0eea-71fd-8adb-c4b091fb12e9',1795843100436,'queued','throttled');
INSERT INTO "history" VALUES('01a22097-0eea-71fd-8adb-c4b091fb12e9',1795843102410,'queued','deadline');
INSERT INTO "history" VALUES('01a22097-22f0-763f-a979-63a77a587e57',1795843105571,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-22f0-763f-a979-63a77a587e57',1795843105588,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-22f0-763f-a979-63a77a587e57',1795843105613,'started',NULL);
INSERT INTO "history" VALUES('01a22097-23f0-74f4-a61f-713c6cd121c9',1795843105796,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-23f0-74f4-a61f-713c6cd121c9',1795843105807,'submitting',NULL);
INSERT INTO "history" VALUES('01a22097-23f0-74f4-a61f-713c6cd121c9',1795843105862,'started',NULL);
INSERT INTO "history" VALUES('01a22097-22f0-763f-a979-63a77a587e57',1795843106332,'cancelled','cancelled');
INSERT INTO "history" VALUES('01a22097-2648-732f-bf96-b82c1d3c67ab',1795843106396,'queued',NULL);
INSERT INTO "history" VALUES('01a22097-2648-732f-bf96-b82c1d3c67ab',1795843106480,'submitting',NULL);
CREATE TABLE jobs (
    id              TEXT PRIMARY KEY,
    node            TEXT NOT NULL,
    raw_input           TEXT NOT NULL,
    raw_input_sha256    TEXT NOT NULL,
    input           TEXT NOT NULL,
    component       TEXT NOT NULL,
    connection      TEXT NOT NULL,
    provider_origin           TEXT NOT NULL,
    key             TEXT NOT NULL,
    idempotency_ms  INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    state           TEXT NOT NULL,
    outcome_uncertain        INTEGER NOT NULL,
    submit_sha256   TEXT,
    submits         INTEGER NOT NULL,
    submitted_at    INTEGER,
    ticket          TEXT,
    provider_job_id TEXT,
    charge          TEXT NOT NULL,
    cost_amount     TEXT,
    cost_unit       TEXT,
    deadline_at     INTEGER NOT NULL,
    next_at         INTEGER,
    backoff_ms        INTEGER NOT NULL,
    unrecognized_since   INTEGER,
    attempts           INTEGER NOT NULL,
    cancel_wanted   INTEGER NOT NULL,
    requester           TEXT NOT NULL,
    error_kind    TEXT,
    error_message TEXT,
    output          TEXT,
    media           TEXT,
    target          TEXT NOT NULL,
    target_is_stem  INTEGER NOT NULL,
    force           INTEGER NOT NULL,
    file            TEXT,
    finalized          INTEGER NOT NULL,
    revision        INTEGER NOT NULL, keyed INTEGER NOT NULL DEFAULT 1, reported_charge TEXT, submit_account TEXT, cancel_sent_at INTEGER, unreadable_since INTEGER, submit_path TEXT, has_uploads INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0, earlier_charge TEXT, attempt_charge TEXT, no_result_since INTEGER, local_pictures TEXT,
    UNIQUE (connection, key)
) STRICT;
INSERT INTO "jobs" VALUES('01a22097-0acb-73d8-8da8-6b5b26c35ebf','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"one"}','293a12befd783b192416bbef0504d76ec49413b5abb2b8ffece9e414bad0ca92','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"one","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','succeeded',0,1795843099417,'succeeded',0,'28a3df3cff24701e30fca92f8d33264cfdb473f156ca488fb41ffb895228dcba',1,1795843099432,'{"connection":"pixelml","job":"b7e47c0d-6412-4887-8ee3-0e0f270b3864","node":"image_to_video_v3","v":1,"wire":"jobs"}','b7e47c0d-6412-4887-8ee3-0e0f270b3864','yes',NULL,NULL,1795844899417,NULL,0,NULL,0,0,'01a22097-0b08-7123-8d61-fb97532265c1',NULL,NULL,'{"video":"http://127.0.0.1:18655/v1/clips/b7e47c0d-6412-4887-8ee3-0e0f270b3864.mp4"}','{"media_type":null,"needs_credential":false,"pointer":"/video","sha256":null,"url":"http://127.0.0.1:18655/v1/clips/b7e47c0d-6412-4887-8ee3-0e0f270b3864.mp4"}','/desk/out/one.mp4',0,0,'{"bytes":1794,"media_type":"video/mp4","path":"/desk/out/one.mp4","sha256":"81ed5bc2cf3d48185ebc84c19ffffd29e86799afa7142137f02cc02654ea633a"}',1,4,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-0bf2-700e-a530-db4a64dca2a7','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"two"}','6e182276847f73345fa0e04371b22e48fe6feb825247767a6ef6267544fe0e5f','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"two","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','succeeded-2',0,1795843099684,'succeeded',0,'ce9d7046060acf6ff247277ac224a2a717781035a45487652a8879dc25a6dcb6',1,1795843099727,'{"connection":"pixelml","job":"87fc915f-9542-455a-bdbf-9bfe921f4cc3","node":"image_to_video_v3","v":1,"wire":"jobs"}','87fc915f-9542-455a-bdbf-9bfe921f4cc3','yes',NULL,NULL,1795844899684,NULL,0,NULL,0,0,'01a22097-0bf3-75c0-8e9c-7abedf6740a4',NULL,NULL,'{"video":"http://127.0.0.1:18655/v1/clips/87fc915f-9542-455a-bdbf-9bfe921f4cc3.mp4"}','{"media_type":null,"needs_credential":false,"pointer":"/video","sha256":null,"url":"http://127.0.0.1:18655/v1/clips/87fc915f-9542-455a-bdbf-9bfe921f4cc3.mp4"}','/desk/data/clips/01a22097-0bf2-700e-a530-db4a64dca2a7',1,0,'{"bytes":1794,"media_type":"video/mp4","path":"/desk/data/clips/01a22097-0bf2-700e-a530-db4a64dca2a7.mp4","sha256":"81ed5bc2cf3d48185ebc84c19ffffd29e86799afa7142137f02cc02654ea633a"}',1,4,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-0d97-76df-8748-aa34e4532145','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"three"}','0cb2d7957cc9affcbbd2eaf692de90d03494e1b30e75a6f9fea670929590d3f4','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"three","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','failed',0,1795843100100,'failed',0,'393c55c7335e887cde0fe7558cb17e6271381211fdf678cbcfc1b7bb932c87e3',1,NULL,NULL,NULL,'no',NULL,NULL,1795844900100,NULL,0,NULL,1,0,'01a22097-0d99-775d-9e62-43664d1b63d1','rejected','not allowed',NULL,NULL,'/desk/data/clips/01a22097-0d97-76df-8748-aa34e4532145',1,0,NULL,0,2,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-0e30-761a-afc3-a6bc684fbcc7','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"four"}','74b74aadf443f9cbd9c430543c17f6cc14b27db78a8d8e9403f0f21de42aee26','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"four","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','unknown',0,1795843100271,'outcome_unknown',1,'fc225e575fb6640e9d98ebfa032a2e884b0e6b1e434fba68208e76e31532400c',1,1795843100298,NULL,NULL,'unknown',NULL,NULL,1795844900271,NULL,0,NULL,1,0,'01a22097-0e31-76de-abbc-87b4958033ab','outcome_unknown','the connection broke before the reply was complete: connection closed before message completed',NULL,NULL,'/desk/data/clips/01a22097-0e30-761a-afc3-a6bc684fbcc7',1,0,NULL,0,2,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-0eea-71fd-8adb-c4b091fb12e9','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"five"}','337c04b2919c7ea64ccaf9e7fcf921eb492141ed5e6ffecfa79a83e49e3927da','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"five","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','queued',0,1795843100405,'queued',0,'5625e401ade9926ab0e8a5c1e645082a1b227fa29f65d61987476913c1a69127',1,NULL,NULL,NULL,'no',NULL,NULL,1795843102405,NULL,1000,NULL,1,0,'01a22097-0eeb-75ac-886b-ae8dc032f664','deadline','the deadline passed; what the provider does goes on',NULL,NULL,'/desk/data/clips/01a22097-0eea-71fd-8adb-c4b091fb12e9',1,0,NULL,0,3,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-22f0-763f-a979-63a77a587e57','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"six"}','cd1e6d0cf9c655dcb82f5d91b184e06f908915172664c7f4d808d3e1ff09497b','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"six","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','cancelled',0,1795843105571,'cancelled',0,'8ce08205e89beb1b7ffa8ba162f0a79dafe73d99c5614028019cc1efa4a8a46d',1,1795843105588,'{"connection":"pixelml","job":"311f4b13-526a-4567-997b-27a31c601d62","node":"image_to_video_v3","v":1,"wire":"jobs"}','311f4b13-526a-4567-997b-27a31c601d62','no',NULL,NULL,1795843166296,NULL,0,NULL,0,0,'01a22097-25f8-715f-b8c4-0077018e259c','cancelled','the job was cancelled at the provider',NULL,NULL,'/desk/data/clips/01a22097-22f0-763f-a979-63a77a587e57',1,0,NULL,0,5,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-23f0-74f4-a61f-713c6cd121c9','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"seven"}','db615f052db65b848626ae07d9fb01088937e75ce6b2b05a84bb1b55d9ff85f9','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"seven","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','started',0,1795843105796,'started',0,'e217bd6ee350449103a21723aa4221e5554976c40e6b444d318c30ade42b444e',1,1795843105807,'{"connection":"pixelml","job":"dd026c32-7773-4fe9-be03-984b0c078b09","node":"image_to_video_v3","v":1,"wire":"jobs"}','dd026c32-7773-4fe9-be03-984b0c078b09','unknown',NULL,NULL,1795844905796,1795843405858,0,NULL,0,0,'01a22097-23f2-72c4-bc37-82e8d5b7ece6',NULL,NULL,NULL,NULL,'/desk/data/clips/01a22097-23f0-74f4-a61f-713c6cd121c9',1,0,NULL,0,2,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('01a22097-2648-732f-bf96-b82c1d3c67ab','image_to_video_v3','{"image":"file:lighthouse.jpg","prompt":"eight"}','1fd4dd61dec65f3175189dd8743177d22d3625841ea40119ed57f402d8e68334','{"frame_rate":8,"guidance_scale":3,"image":"http://127.0.0.1:18655/v1/files/f3fbea98c75721254d4b7245ccf27aa588da85aeb255b43dc333f4ea824ad638.jpg","negative_prompt":null,"prompt":"eight","steps":20}','a5485fb7f9aa6eac669ef2d12ddf63c225fdd9743de87e9e43c3b96c083679da','pixelml','http://127.0.0.1:18655','submitting',0,1795843106396,'submitting',0,'161453d0b526f2484f0359bd865466a73ab41be0f8637e77d5a0faaee826d11c',1,1795843106480,NULL,NULL,'unknown',NULL,NULL,1795844906396,1795843106396,0,NULL,0,0,'01a22097-2649-7548-9eb4-1309094f3784',NULL,NULL,NULL,NULL,'/desk/data/clips/01a22097-2648-732f-bf96-b82c1d3c67ab',1,0,NULL,0,1,1,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL);
CREATE TABLE removed_jobs (
    connection        TEXT NOT NULL,
    key               TEXT NOT NULL,
    id                TEXT NOT NULL,
    node              TEXT NOT NULL,
    raw_input_sha256  TEXT NOT NULL,
    provider_origin   TEXT NOT NULL,
    component         TEXT NOT NULL,
    -- As that of the job: a further job under the key has another key at the provider.
    retries           INTEGER NOT NULL,
    submits           INTEGER NOT NULL,
    state             TEXT NOT NULL,
    charge            TEXT NOT NULL,
    reported_charge   TEXT,
    cost_amount       TEXT,
    cost_unit         TEXT,
    created_at        INTEGER NOT NULL,
    submitted_at      INTEGER,
    removed_at        INTEGER NOT NULL,
    ticket            TEXT,
    provider_job_id   TEXT,
    file              TEXT,
    error_kind        TEXT,
    PRIMARY KEY (connection, key)
) STRICT;
CREATE TABLE uploads (
    connection TEXT NOT NULL,
    provider   TEXT NOT NULL,
    key        TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    sent       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    status     INTEGER,
    reply      TEXT,
    PRIMARY KEY (connection, key, sha256, provider)
) STRICT;
CREATE INDEX jobs_submitting ON jobs (state) WHERE state = 'submitting';
CREATE INDEX history_of_job ON history (job, at);
CREATE INDEX jobs_due ON jobs (connection, component, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX refused_jobs ON jobs (connection, component)
    WHERE state = 'queued' AND error_kind = 'account_refused';
CREATE INDEX removed_jobs_by_id ON removed_jobs (id);
COMMIT;
