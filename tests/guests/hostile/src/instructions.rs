//! The component's input: actions and an answer for each exported function.

use serde::Deserialize;

use crate::text::Text;

/// The input and the ticket: an instruction for each function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instructions {
    /// For `check`.
    pub check: Instruction,
    /// For `start`.
    pub start: Instruction,
    /// For `poll`.
    pub poll: Instruction,
    /// For `cancel`.
    pub cancel: Instruction,
    /// For `adopt`.
    pub adopt: Instruction,
    /// Pictures, where the listing names their fields.
    pub images: Vec<String>,
}

/// The actions of one function, and its answer after them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instruction {
    /// Carried out in order.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    /// The answer; absent: the function's default.
    pub then: Option<Answer>,
}

/// One action.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Computes without end.
    Loop,
    /// Recurses without end.
    Recurse,
    /// Allocates memory until none is left.
    Allocate,
    /// Allocates and writes this many bytes.
    Take(usize),
    /// Exits with this code instead of answering.
    Exit(u8),
    /// Aborts.
    Abort,
    /// Panics with this message.
    Panic(Text),
    /// Writes to standard output and standard error.
    Print {
        /// Bytes for each stream.
        bytes: usize,
        /// The text that is repeated.
        text: String,
    },
    /// Records what `wasi:cli` gives: environment, arguments, folder, terminals, standard input.
    LookAround,
    /// Calls the clocks and records the length of the random numbers.
    AskTheTime,
    /// Sleeps for this many milliseconds.
    SleepMs(u64),
    /// Waits for a timer that never ends.
    WaitForEver,
    /// Opens resources and drops none.
    Leak {
        /// The kind of resource.
        what: Resource,
        /// How many.
        count: usize,
    },
    /// Records the connection that the host returns.
    Connection,
    /// Sends HTTP requests.
    Request(Box<Sending>),
}

/// Resources of the host.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as `wasi:http` and `wasi:io` call them")]
pub enum Resource {
    Fields,
    Requests,
    Bodies,
    Streams,
    Pollables,
    StandardStreams,
}

/// A request, sent once or many times.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sending {
    /// Passed to the host unchanged.
    pub method: String,
    /// `{base}` stands for the connection's base URL; the rest is passed to the host unchanged.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(Text, Text)>,
    /// Whether the headers are set as one list, which the host checks as a whole.
    pub as_a_list: bool,
    /// The body.
    pub body: Payload,
    /// The `content-length`; the true length where absent, no header where empty.
    pub length: Option<String>,
    /// Sent after the body.
    pub trailers: Vec<(Text, Text)>,
    /// The number of requests; all are begun before the first reply is waited for.
    pub times: usize,
    /// Whether the bodies are left unfinished.
    pub unfinished: bool,
    /// The number of replies that are waited for; all where absent. The others stay open.
    pub awaited: Option<usize>,
    /// Whether the bodies of the replies are left unread.
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
    /// This many bytes.
    Bytes(u64),
    /// The component's whole memory.
    Memory,
}

/// An answer of a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of any function: an error.
    Error(ErrorAnswer),
    /// Of `check`: a plan.
    Plan {
        /// The completed input.
        input: Text,
        /// The number of notes.
        #[serde(default)]
        notes: usize,
        /// The text of each note.
        #[serde(default)]
        note: Text,
        /// The previewed request.
        request: Option<Text>,
        /// The price of a second: amount and unit.
        estimate: Option<(Text, Text)>,
    },
    /// Of `start`: the job is accepted.
    Accept {
        /// The argument of `poll`.
        ticket: Text,
        /// The provider's own id.
        id: Text,
        /// When to poll.
        #[serde(default)]
        poll_after_ms: u64,
        /// The charge: amount and unit.
        cost: Option<(Text, Text)>,
    },
    /// Of `poll`: the job is running.
    Wait {
        /// Any text that parses as a number: `NaN`, `inf`, `-1`.
        fraction: Option<String>,
        /// The provider's words.
        message: Option<Text>,
        /// When to poll.
        #[serde(default)]
        poll_after_ms: u64,
        /// A new ticket.
        ticket: Option<Text>,
    },
    /// Of `poll` and `start`: the job has succeeded.
    Succeed {
        /// The output document.
        output: Text,
        /// The number of media.
        #[serde(default)]
        media: usize,
        /// The JSON pointer of each in the output.
        #[serde(default)]
        pointer: Text,
        /// The URL of each.
        #[serde(default)]
        url: Text,
        /// Whether the download needs the credential.
        #[serde(default)]
        needs_credential: bool,
    },
    /// Of `poll`: the job has failed.
    Fail {
        /// The provider's words.
        message: Text,
        /// The provider's code.
        code: Option<Text>,
        /// Whether nothing is charged.
        #[serde(default)]
        free: bool,
    },
    /// Of `cancel`: the job is cancelled.
    Cancelled {
        /// Whether nothing is charged.
        #[serde(default)]
        free: bool,
    },
    /// Of `plan-upload` and `uploaded`: a request that carries the file.
    Upload {
        /// Its method.
        method: String,
        /// Below the base URL.
        path: Text,
        /// Its headers.
        #[serde(default)]
        headers: Vec<(Text, Text)>,
        /// The name of the form part; absent: the body is the file alone.
        part: Option<Text>,
    },
    /// Of `plan-upload` and `uploaded`: the field's value. Of `adopt`: the ticket.
    Value(Text),
}

/// An error of the contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorAnswer {
    /// The name of its cause, such as `not_sent`.
    pub cause: String,
    /// The message.
    pub message: Text,
    /// `yes`, `no` or `unknown`.
    pub charge: String,
    /// The delay before another attempt.
    pub retry_after_ms: Option<u64>,
    /// The number of violations of an `invalid_input`.
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

/// The list of `node-types`: one node type `hostile`, unless the component's bytes say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listing {
    /// Actions before the answer.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    /// The number of node types.
    pub count: usize,
    /// Their name.
    pub name: Text,
    /// Their title and description.
    pub title: Text,
    /// Their schemas.
    pub schema: Text,
    /// The header of the credential.
    pub credential_header: String,
    /// The category of their connection.
    pub category: String,
    /// The JSON pointer of a picture in their output, if they make one.
    pub picture: Option<String>,
    /// The JSON pointers of pictures in their input.
    pub pictures: Vec<String>,
}

impl Default for Listing {
    fn default() -> Self {
        let text = |text: &str| Text::Plain(text.into());
        Self {
            actions: Vec::new(),
            count: 1,
            name: text("hostile"),
            title: text("A hostile node"),
            schema: text("{}"),
            credential_header: "authorization".into(),
            category: "pixelml".into(),
            picture: None,
            pictures: Vec::new(),
        }
    }
}
