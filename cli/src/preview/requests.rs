//! The requests of a run, in the order in which they are sent: an upload for each local picture,
//! then the submit. What only a reply tells is a placeholder.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zoetrope_host::component::{CallContext, Pack};
use zoetrope_host::contract::{
    Adjustment, Body, CheckOptions, LocalFile, MediaKind, NodeType, Plan, Step, Upload,
};
use zoetrope_host::jobs::check_context;
use zoetrope_host::media::{Picture, file_url};

use super::provider::Provider;
use crate::args::Profile;
use crate::context::Context;
use crate::max_cost::Bound;
use crate::report::{Failure, Phase, plan};

/// Checks inputs of a node and shows their requests.
#[derive(Clone)]
pub(crate) struct Requests {
    context: Arc<Context>,
    pub(crate) pack: Pack,
    pub(crate) node: Arc<NodeType>,
    pub(crate) call: CallContext,
    pub(crate) options: CheckOptions,
    pub(crate) provider: Provider,
    /// The picture of `--image`.
    pub(crate) picture: Option<Arc<Picture>>,
}

/// The answer for a checked input.
pub(crate) struct Answer {
    /// As JSON.
    pub(crate) document: Value,
    /// The upper bound of what a run costs.
    pub(crate) bound: Bound,
}

impl Requests {
    pub(crate) async fn new(
        context: &Arc<Context>,
        node: NodeType,
        provider: Provider,
        picture: Option<Picture>,
        profile: Profile,
    ) -> Result<Self, Failure> {
        let (call, options) = check_context(provider.connection(), profile.into());
        Ok(Self {
            context: Arc::clone(context),
            pack: context.pack().await?.clone(),
            node: Arc::new(node),
            call,
            options,
            provider,
            picture: picture.map(Arc::new),
        })
    }

    /// The answer for a checked input.
    pub(crate) async fn answer(&self, plan: &Plan) -> Result<Answer, Failure> {
        let mut answer = plan::document(&self.node.name, self.provider.id(), plan);
        let mut requests = Vec::new();
        if let (Some(connection), Some(mut submit)) = (
            self.provider.connection(),
            take_object(&mut answer["request"]),
        ) {
            let base_url = connection.base_url().to_string();
            for (url, placeholder) in self.uploads(plan, &base_url, &mut requests).await? {
                for value in submit.values_mut() {
                    replace(value, &url, &placeholder);
                }
            }
            if let Some(url) = submit.get_mut("url") {
                *url = self
                    .provider
                    .shown_url(url.as_str().unwrap_or_default())
                    .into();
            }
            answer["request"] = Value::Object(submit.clone());
            submit.insert("purpose".into(), "submit".into());
            requests.push(Value::Object(submit));
        }
        answer["requests"] = requests.into();
        answer["provider"] = self.provider.document();
        let bound = match self.provider.id() {
            Some(id) => self.context.bound(&self.node, id, Some(plan)).await?,
            None => Bound::Unknown,
        };
        answer["upper_bound"] = bound.document();
        Ok(Answer {
            document: answer,
            bound,
        })
    }

    /// Adds the uploads of local pictures. Returns what is submitted in the place of each `file:`
    /// URL.
    async fn uploads(
        &self,
        plan: &Plan,
        base_url: &str,
        requests: &mut Vec<Value>,
    ) -> Result<Vec<(String, Value)>, Failure> {
        let input = zoetrope_host::json::parse(&plan.input).unwrap_or_default();
        let mut values: Vec<(String, Value)> = Vec::new();
        let pictures = self.node.input_media.iter();
        for media in pictures.filter(|media| media.kind == MediaKind::Image) {
            let is_forwarded = !plan.notes.iter().any(|note| {
                note.adjustment == Adjustment::NotForwarded && note.instance_path == media.pointer
            });
            let url = input.pointer(&media.pointer).and_then(Value::as_str);
            let Some(url) = url.filter(|url| is_forwarded && file_url::is_one(url)) else {
                continue;
            };
            // A picture of several fields is uploaded once.
            if values.iter().any(|(known, _)| known == url) {
                continue;
            }
            let file = self.file(url);
            let planned = self
                .pack
                .plan_upload(&self.call, &self.node.name, &media.pointer, &file);
            let step = planned.await.map_err(|error| {
                let next = "Use the URL of a picture, or another --connection, then run the same \
                            command again (nothing was sent)";
                Failure::of_call(error, Phase::Upload).then(next.into())
            })?;
            let value = match step {
                Step::Upload(upload) => {
                    let url = format!("{base_url}{}", upload.path);
                    let url = self.provider.shown_url(&url);
                    requests.push(upload_document(&upload, &url, &file));
                    let number = requests.len();
                    format!("<from the reply to request {number}: {}>", file.file_name).into()
                }
                Step::InlineBase64 => format!("<{} in base64>", file.file_name).into(),
                Step::Value(value) => zoetrope_host::json::parse(&value).unwrap_or_default(),
            };
            values.push((url.to_owned(), value));
        }
        Ok(values)
    }

    /// A local file. Only the picture of `--image` was opened: the type of another one is that of
    /// its name, and its length is not known.
    fn file(&self, url: &str) -> LocalFile {
        if let Some(picture) = self
            .picture
            .as_deref()
            .filter(|picture| file_url::of(picture.path()) == url)
        {
            return LocalFile {
                media_type: picture.media_type().into(),
                byte_length: picture.byte_length(),
                file_name: picture.file_name().into(),
            };
        }
        let path = file_url::path(url).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        LocalFile {
            media_type: type_by_name(&path).into(),
            byte_length: 1,
            file_name: name.into_owned(),
        }
    }
}

fn type_by_name(path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_lowercase().as_str() {
        "png" => "image/png",
        "webp" => "image/webp",
        _ => "image/jpeg",
    }
}

/// An upload as a request.
fn upload_document(upload: &Upload, url: &str, file: &LocalFile) -> Value {
    let bytes = format!("<{}, {}>", file.file_name, file.media_type);
    let (headers, body) = match &upload.body {
        Body::Multipart(form) => {
            let mut parts: Vec<Value> = Vec::new();
            for (name, text) in &form.fields {
                parts.push(json!({ "name": name, "value": text }));
            }
            parts.push(json!({ "name": form.file_part, "file": bytes }));
            let mut headers = Map::new();
            let kind = "multipart/form-data; boundary=<boundary>";
            headers.insert("content-type".into(), kind.into());
            (headers, json!({ "parts": parts }))
        }
        Body::Raw(fixed) => {
            let headers = fixed.iter();
            let headers = headers.map(|(name, value)| (name.clone(), value.as_str().into()));
            (headers.collect(), bytes.into())
        }
    };
    json!({
        "purpose": "upload",
        "method": upload.method,
        "url": url,
        "headers": headers,
        "body": body,
    })
}

fn take_object(value: &mut Value) -> Option<Map<String, Value>> {
    match value.take() {
        Value::Object(object) => Some(object),
        other => {
            *value = other;
            None
        }
    }
}

fn replace(document: &mut Value, text: &str, by: &Value) {
    match document {
        Value::String(value) if value == text => *document = by.clone(),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, text, by)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| replace(value, text, by)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_is_shown_without_the_bytes_of_its_file() {
        let file = LocalFile {
            media_type: "image/png".into(),
            byte_length: 3,
            file_name: "a.png".into(),
        };
        let upload = |body| Upload {
            method: "POST".into(),
            path: "/files".into(),
            body,
        };
        let form = zoetrope_host::contract::Multipart {
            file_part: "file".into(),
            fields: vec![("role".into(), "source".into())],
        };
        let shown = upload_document(
            &upload(Body::Multipart(form)),
            "https://a.example/files",
            &file,
        );
        assert_eq!(shown["url"], "https://a.example/files");
        let parts = json!([
            {"name": "role", "value": "source"},
            {"name": "file", "file": "<a.png, image/png>"},
        ]);
        assert_eq!(shown["body"]["parts"], parts);
        let raw = Body::Raw(vec![("content-type".into(), "image/png".into())]);
        let shown = upload_document(&upload(raw), "https://a.example/files", &file);
        assert_eq!(shown["body"], "<a.png, image/png>");
        assert_eq!(shown["headers"]["content-type"], "image/png");
    }

    #[test]
    fn url_of_a_file_is_replaced_wherever_it_stands() {
        let mut body =
            json!({"input": {"image": "file:a.png", "more": ["file:a.png", "file:b.png"]}});
        replace(&mut body, "file:a.png", &"<new>".into());
        assert_eq!(
            body,
            json!({"input": {"image": "<new>", "more": ["<new>", "file:b.png"]}})
        );
    }
}
