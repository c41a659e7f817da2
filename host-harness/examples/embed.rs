//! Runs one PixelML job from another program. Arguments: component, existing data directory, base
//! URL, node, input; `PROVIDER_KEY` holds the provider's key. The idempotency key is fixed: the
//! same input continues the same job; another input is a key conflict.
use std::{env, error::Error, fs, io::Write as _, path::Path, sync::Arc, time::Duration};

use tokio::sync::watch;
use zoetrope_host::driver::{DriveMode, Driver, WaitFor};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::jobs::{CheckRequest, Destination, Jobs, SubmitRequest, node_type};
use zoetrope_host::{component::Pack, config::Config, digest::Sha256Digest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [component, data_dir, url, node, input] = args.as_slice() else {
        return Err("expected COMPONENT DATA_DIR BASE_URL NODE INPUT".into());
    };
    let (component, data_dir) = (fs::read(component)?, fs::canonicalize(data_dir)?);
    let key = r#"credential = { env = "PROVIDER_KEY" }"#;
    let config = format!("[connections.mine]\ncategory = 'pixelml'\nbase_url = '{url}'\n{key}");
    let config = Config::parse(&config, Path::new("embed.toml"))?;
    let config = Arc::new(config.trusting(Sha256Digest::of(&component)));
    let engine = Engine::new(EngineSettings::default())?;
    let pack = Pack::load(&engine, &component, config.policy())?;
    let driver = Driver::builder(&data_dir, &pack, Arc::clone(&config) as _);
    let jobs = Jobs::new(driver.policy(config.policy()).build()?, component);

    let node = node_type(&pack, node).await?;
    let wait = Duration::from_mins(10);
    let checked = jobs.check(&CheckRequest::new(&node, input)).await?;
    let clips = Destination::Folder(data_dir.join("clips"));
    let request = SubmitRequest::new(&checked, "mine", "order-66", clips, wait);
    let job = jobs.submit(&request).await?;
    let (_sender, work) = watch::channel(DriveMode::Normal);
    jobs.wait([job.spec.id.clone()], WaitFor::Settled, work)
        .await?;
    let job = jobs.find(&job.spec.id)?;
    let file = job.file().ok_or("the job made no file")?;
    Ok(writeln!(std::io::stdout(), "{}", file.path.display())?)
}
