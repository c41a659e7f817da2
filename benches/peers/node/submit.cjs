// The node as a Node.js program: ajv validates the input, undici sends the submit. The protocol on
// standard input and output is that of `../python/turns.py`.
"use strict";

const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const { Ajv2020 } = require("ajv/dist/2020");
const { Pool } = require("undici");

function prepare(work) {
  const schema = JSON.parse(readFileSync(work.schema, "utf8"));
  const validate = new Ajv2020({ useDefaults: true }).compile(schema);
  const url = new URL(work.url);
  // Connections are reused, which is the default.
  const pool = new Pool(url.origin);
  const headers = { ...work.headers, "content-type": "application/json" };

  return async () => {
    const input = JSON.parse(work.input);
    if (!validate(input)) throw new Error(JSON.stringify(validate.errors));
    const body = JSON.stringify({ action: work.node, input });
    const reply = await pool.request({
      method: "POST",
      path: url.pathname,
      headers,
      body,
    });
    const job = await reply.body.json();
    if (reply.statusCode !== 202 || typeof job.id !== "string") {
      throw new Error(`no job: ${reply.statusCode}`);
    }
    return job.id;
  };
}

async function take(operation, most, nanoseconds) {
  const taken = [];
  const begun = process.hrtime.bigint();
  while (taken.length < most && process.hrtime.bigint() - begun < nanoseconds) {
    const before = process.hrtime.bigint();
    await operation();
    taken.push(Number(process.hrtime.bigint() - before));
  }
  return taken;
}

function write(document) {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

async function main() {
  let operation;
  for await (const line of createInterface({ input: process.stdin })) {
    const turn = JSON.parse(line);
    if (operation === undefined) {
      operation = prepare(turn);
      write(await operation());
    } else {
      write(await take(operation, turn.operations, BigInt(turn.nanoseconds)));
    }
  }
  process.exit(0);
}

main();
