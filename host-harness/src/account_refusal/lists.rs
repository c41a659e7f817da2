//! The words of a provider's error that tell a refusal of the account.

/// What an account can lack, other than a quota.
pub(super) const COUNTED: [&str; 15] = [
    "credit", "credits", "balance", "fund", "funds", "budget", "coin", "coins", "point", "points",
    "wallet", "money", "tokens", "generation", "saldo",
];

/// Of these, what a picture or a prompt can have as well.
pub(super) const AMBIGUOUS: [&str; 9] = [
    "credit", "balance", "budget", "point", "points", "wallet", "money", "tokens", "generation",
];

/// What a refused input is about.
pub(super) const INPUT: [&str; 34] = [
    "prompt", "prompts", "image", "images", "picture", "pictures", "photo", "photos", "video",
    "videos", "text", "file", "files", "face", "faces", "scene", "subject", "author", "artist",
    "film", "frame", "frames", "composition", "color", "colour", "tone", "lighting", "contrast",
    "exposure", "input", "field", "parameter", "word", "words",
];

/// Words of an input that may be about an account itself.
pub(super) const QUOTED: [&str; 8] = [
    "prompt", "prompts", "text", "scene", "word", "words", "field", "parameter",
];

/// Words before a reason, which is no part of the input.
pub(super) const REASONS: [&str; 3] = ["because", "since", "as"];

/// What an input is measured in.
pub(super) const MEASURES: [&str; 18] = [
    "character", "characters", "mb", "kb", "gb", "mib", "byte", "bytes", "pixel", "pixels", "px",
    "tokens", "resolution", "size", "length", "duration", "dimension", "dimensions",
];

/// Words that may stand between a thing and its lack.
pub(super) const FILL: [&str; 58] = [
    "the", "a", "an", "any", "your", "of", "all", "my", "our", "this", "that", "is", "are", "was",
    "were", "has", "have", "been", "be", "being", "now", "currently", "fully", "completely",
    "already", "too", "available", "remaining", "left", "prepaid", "account", "api", "user",
    "workspace", "organization", "current", "monthly", "daily", "weekly", "free", "trial", "for",
    "month", "day", "week", "today", "more", "up", "credit", "credits", "wallet", "limit", "cap",
    "maximum", "in", "usage", "token", "coin",
];

/// Words of a lack before what is lacking.
pub(super) const LACK_BEFORE: [&str; 17] = [
    "insufficient", "inadequate", "exhausted", "exceeded", "exceed", "exceeds", "exceeding", "used",
    "consumed", "depleted", "spent", "reached", "hit", "over", "negative", "insufficiente",
    "surpassed",
];

/// Words before it that say that there is nothing of it.
pub(super) const WITHOUT: [&str; 7] = [
    "no", "zero", "without", "lack", "lacks", "lacking", "out",
];

/// Words of a lack after what is lacking.
pub(super) const LACK_AFTER: [&str; 19] = [
    "insufficient", "inadequate", "exhausted", "exceeded", "depleted", "reached", "used",
    "consumed", "spent", "empty", "negative", "finished", "gone", "low", "zero", "expired", "hit",
    "short", "none",
];

/// Words that turn `enough` round.
pub(super) const NEGATIONS: [&str; 12] = [
    "not", "no", "dont", "doesnt", "didnt", "isnt", "arent", "cannot", "cant", "without", "havent",
    "hasnt",
];

/// Words of a price.
pub(super) const COSTS: [&str; 8] = [
    "cost", "costs", "need", "needs", "needed", "require", "requires", "required",
];

/// Words before `limit` that make it one of the account.
pub(super) const LIMITS: [&str; 17] = [
    "daily", "weekly", "monthly", "yearly", "hourly", "usage", "spending", "spend", "budget",
    "credit", "billing", "plan", "account", "subscription", "trial", "tier", "free",
];

/// Words after `limit of` that make it one of the account.
pub(super) const LIMIT_HOLDERS: [&str; 8] = [
    "plan", "subscription", "tier", "account", "month", "day", "week", "trial",
];

/// Words of a limit that is reached.
pub(super) const REACHED: [&str; 8] = [
    "reached", "exceeded", "exceeds", "exceed", "hit", "exhausted", "over", "used",
];

/// What can be suspended.
pub(super) const HOLDERS: [&str; 15] = [
    "account", "accounts", "organization", "organisation", "org", "user", "team", "project",
    "workspace", "subscription", "membership", "plan", "trial", "license", "access",
];

/// Of these, what no input is.
pub(super) const STRONG_HOLDERS: [&str; 6] = [
    "account", "organization", "organisation", "org", "workspace", "subscription",
];

/// Words of a suspension, after what is suspended.
pub(super) const SUSPENDED: [&str; 25] = [
    "suspended", "suspension", "disabled", "deactivated", "locked", "blocked", "frozen", "closed",
    "banned", "terminated", "inactive", "overdue", "arrears", "delinquent", "expired", "ended",
    "cancelled", "canceled", "restricted", "hold", "lapsed", "over", "due", "paused", "revoked",
];

/// Words that may stand between what is suspended or unpaid and the word that says so.
pub(super) const ACCOUNT_FILL: [&str; 24] = [
    "is", "are", "was", "were", "has", "have", "been", "be", "now", "currently", "temporarily",
    "permanently", "on", "in", "past", "of", "this", "the", "your", "a", "period", "workspace",
    "account", "billing",
];

/// Words that say it alone.
pub(super) const ALONE: [&str; 4] = ["billing", "arrears", "arrearage", "unpaid"];

/// Words of a period after which a quota is renewed.
pub(super) const PERIODS: [&str; 9] = [
    "daily", "day", "weekly", "week", "monthly", "month", "yearly", "hour", "hourly",
];

/// Other languages: a thing and its lack.
pub(super) const OTHER_SCRIPTS: [(&str, &str); 41] = [
    ("余额", "不足"), ("余额", "为零"), ("余额", "用"), ("积分", "不足"), ("点数", "不足"),
    ("金币", "不足"), ("额度", "不足"), ("额度", "用"), ("配额", "用"), ("餘額", "不足"),
    ("欠费", ""), ("账号", "封"), ("账户", "封"), ("账号", "停用"), ("账户", "停用"),
    ("账号", "禁用"), ("账户", "禁用"), ("账户", "冻结"), ("账号", "冻结"), ("帐户", "停用"),
    ("帐号", "封"), ("残高", "不足"), ("残高", "ありません"), ("クレジット", "不足"),
    ("クレジット", "足り"), ("アカウント", "停止"), ("アカウント", "凍結"), ("잔액", "부족"),
    ("크레딧", "부족"), ("계정", "정지"), ("saldo", "insuficiente"),
    ("créditos", "insuficientes"), ("crédits", "insuffisants"), ("solde", "insuffisant"),
    ("credito", "insufficiente"), ("guthaben", "nicht aus"), ("guthaben", "aufgebraucht"),
    ("konto", "gesperrt"), ("cuenta", "suspendida"), ("conta", "suspensa"),
    ("недостаточно", "средств"),
];

/// Words of a need, for `more`.
pub(super) const NEEDED: [&str; 8] = [
    "need", "needs", "needed", "require", "requires", "required", "buy", "purchase",
];

/// Words of what is needed beside what there is.
pub(super) const MORE: [&str; 3] = [
    "more", "additional", "further",
];

/// Words of a suspension before who is suspended; the first three of no picture.
pub(super) const SUSPENDED_USERS: [&str; 8] = [
    "suspended", "disabled", "deactivated", "banned", "blocked", "locked", "frozen", "restricted",
];

/// Who is suspended.
pub(super) const USERS: [&str; 4] = [
    "account", "organization", "organisation", "user",
];

/// What is to be paid.
pub(super) const BILLS: [&str; 6] = [
    "payment", "payments", "invoice", "invoices", "bill", "bills",
];

/// Words of a payment that is due or has failed.
pub(super) const UNPAID: [&str; 9] = [
    "required", "failed", "declined", "overdue", "missing", "due", "unpaid", "outstanding",
    "needed",
];

/// Words of a purchase.
pub(super) const BUY: [&str; 6] = [
    "add", "buy", "purchase", "recharge", "refill", "up",
];

/// Words between a purchase and what is bought.
pub(super) const BUY_FILL: [&str; 13] = [
    "more", "some", "your", "the", "additional", "prepaid", "account", "to", "a", "an", "paid",
    "last", "latest",
];

/// What is bought.
pub(super) const BOUGHT: [&str; 7] = [
    "credits", "credit", "funds", "coins", "balance", "wallet", "points",
];

/// What is upgraded.
pub(super) const PLANS: [&str; 5] = [
    "plan", "subscription", "account", "tier", "membership",
];

/// What another plan may permit.
pub(super) const OPTIONS: [&str; 4] = [
    "model", "models", "feature", "option",
];
