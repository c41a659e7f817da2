//! What the component is told to do.

use serde::Deserialize;

use crate::text::Text;

/// The input, and the ticket: what to do in each function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// In `check`.
    pub check: Order,
    /// In `start`.
    pub start: Order,
    /// In `poll`.
    pub poll: Order,
}

/// What to do in one function, and what to answer then.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// One after the other.
    #[serde(rename = "do")]
    pub deeds: Vec<Deed>,
    /// Nothing: what is usual.
    pub then: Option<Answer>,
}

/// One deed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Computes for ever.
    Loop,
    /// Calls itself for ever.
    Recurse,
    /// Takes memory until there is none.
    Allocate,
    /// Takes so many bytes and touches them all.
    Take(usize),
    /// Ends the process instead of answering.
    Exit(u8),
    /// Aborts.
    Abort,
    /// Panics with this message.
    Panic(Text),
    /// Writes so many bytes to both standard streams.
    Print {
        /// To each.
        bytes: usize,
        /// Said again and again.
        text: String,
    },
    /// Notes what `wasi:cli` gives: environment, arguments, folder, terminals, standard input.
    LookAround,
    /// Notes that the clocks and the random numbers answer.
    AskTheTime,
    /// Sleeps for so long.
    SleepMs(u64),
    /// Waits for what never comes.
    WaitForEver,
    /// Opens so many of a kind and drops none.
    Hoard {
        /// Of what.
        what: Hoarded,
        /// How many.
        count: usize,
    },
    /// Notes the connection as the host tells it.
    Connection,
    /// Sends, or tries to.
    Request(Box<Sending>),
}

/// Resources of the host.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as `wasi:http` and `wasi:io` call them")]
pub enum Hoarded {
    Fields,
    Requests,
    Bodies,
    Streams,
    Pollables,
    StandardStreams,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sending {
    /// As it goes to the host, whatever it is.
    pub method: String,
    /// `{base}` stands for the connection's base URL; the rest goes to the host as it is.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(Text, Text)>,
    /// Given in one list, which the host checks as a whole, instead of one by one.
    pub as_a_list: bool,
    /// What is sent after them.
    pub body: Payload,
    /// What `content-length` says; the truth where absent, no word where empty.
    pub length: Option<String>,
    /// Sent after the body.
    pub trailers: Vec<(Text, Text)>,
    /// How many of it, all begun before the first is waited for.
    pub times: usize,
    /// Whether the bodies are finished.
    pub unfinished: bool,
    /// How many replies are waited for; all where absent. The others stay open.
    pub awaited: Option<usize>,
    /// Whether the replies' bodies are read.
    pub unread: bool,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            method: "POST".into(),
            url: "{base}/v1/jobs".into(),
            headers: Vec::new(),
            as_a_list: false,
            body: Payload::default(),
            length: None,
            trailers: Vec::new(),
            times: 1,
            unfinished: false,
            awaited: None,
            unread: false,
        }
    }
}

/// A request's body.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// None.
    #[default]
    Nothing,
    /// This text.
    Text(String),
    /// So many bytes.
    Bytes(u64),
    /// The component's whole memory.
    Memory,
}

/// What is answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To any question: an error.
    Error(ErrorAnswer),
    /// To `check`: a plan.
    Plan {
        /// The completed input.
        input: Text,
        /// How many notes there are.
        #[serde(default)]
        notes: usize,
        /// What each says.
        #[serde(default)]
        note: Text,
        /// The previewed request.
        request: Option<Text>,
        /// What each second costs: amount and unit.
        estimate: Option<(Text, Text)>,
    },
    /// To `start`: the job is accepted.
    Accept {
        /// What `poll` gets.
        ticket: Text,
        /// The provider's own id.
        id: Text,
        /// When to poll.
        #[serde(default)]
        poll_after_ms: u64,
        /// The bill: amount and unit.
        cost: Option<(Text, Text)>,
    },
    /// To `poll`: the job goes on.
    Wait {
        /// Anything that reads as a number: `NaN`, `inf`, `-1`.
        fraction: Option<String>,
        /// The provider's words.
        message: Option<Text>,
        /// When to poll.
        #[serde(default)]
        poll_after_ms: u64,
        /// A new ticket.
        ticket: Option<Text>,
    },
    /// To `poll`: the job has succeeded; to `start`: at once.
    Succeed {
        /// The output document.
        output: Text,
        /// How many media there are.
        #[serde(default)]
        media: usize,
        /// Where each is in the output.
        #[serde(default)]
        pointer: Text,
        /// Where each can be fetched.
        #[serde(default)]
        url: Text,
        /// Whether the credential is needed for that.
        #[serde(default)]
        needs_credential: bool,
    },
    /// To `poll`: the job has failed.
    Fail {
        /// The provider's words.
        message: Text,
        /// The provider's code.
        code: Option<Text>,
        /// Whether nothing is charged.
        #[serde(default)]
        free: bool,
    },
    /// To `plan-upload` and `uploaded`: a request that carries the file.
    Upload {
        /// Its method.
        method: String,
        /// Below the base URL.
        path: Text,
        /// Its headers.
        #[serde(default)]
        headers: Vec<(Text, Text)>,
        /// A form's part instead of the file alone.
        part: Option<Text>,
    },
    /// To `plan-upload` and `uploaded`: the field's value.
    Value(Text),
}

/// An error of the contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorAnswer {
    /// Its cause by name, `not_sent`.
    pub cause: String,
    /// In words.
    pub message: Text,
    /// `yes`, `no` or `unknown`.
    pub charge: String,
    /// The delay before another attempt.
    pub retry_after_ms: Option<u64>,
    /// How many violations there are, if it is `invalid_input`.
    pub violations: usize,
}

impl Default for ErrorAnswer {
    fn default() -> Self {
        Self {
            cause: "unsupported".into(),
            message: Text::default(),
            charge: "no".into(),
            retry_after_ms: None,
            violations: 1,
        }
    }
}

/// What `node-types` lists: one node type `hostile`, unless the component's bytes say more.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listing {
    /// Done before.
    #[serde(rename = "do")]
    pub deeds: Vec<Deed>,
    /// How many node types.
    pub count: usize,
    /// Their name.
    pub name: Text,
    /// Their title and description.
    pub title: Text,
    /// Their schemas.
    pub schema: Text,
    /// Where the credential goes.
    pub credential_header: String,
    /// The category of their connection.
    pub category: String,
    /// Where a picture is in their output, if they make one.
    pub picture: Option<String>,
}

impl Default for Listing {
    fn default() -> Self {
        let text = |text: &str| Text::Plain(text.into());
        Self {
            deeds: Vec::new(),
            count: 1,
            name: text("hostile"),
            title: text("A hostile node"),
            schema: text("{}"),
            credential_header: "authorization".into(),
            category: "pixelml".into(),
            picture: None,
        }
    }
}
