//! The permitted dependencies between the packages of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::metadata;

const BUNDLED_PACK: &str = "zoetrope-bundled-pack";
const CLI: &str = "zoetrope-cli";
const EMULATOR: &str = "zoetrope-emulator";
const FUZZING: &str = "zoetrope-fuzzing";
const HOST: &str = "zoetrope-host";
const NODE_SDK: &str = "zoetrope-node-sdk";
const PLUGIN: &str = "zoetrope-plugin";
const WORKFLOW: &str = "zoetrope-workflow";

/// Every package of the workspace, and the packages that it may depend on.
const ROWS: [(&str, May); 11] = [
    (CLI, May::These(&[EMULATOR, BUNDLED_PACK, HOST])),
    // Its build script builds the plugin for WebAssembly, which is not a Cargo dependency.
    (BUNDLED_PACK, May::These(&[])),
    (HOST, May::These(&[WORKFLOW])),
    (WORKFLOW, May::These(&[])),
    (PLUGIN, May::These(&[NODE_SDK])),
    (NODE_SDK, May::These(&[])),
    (EMULATOR, May::These(&[])),
    ("zoetrope-benches", May::All),
    (FUZZING, May::All),
    // A pack of another author, as an example.
    ("zoetrope-stranger", May::These(&[NODE_SDK])),
    // A component for tests.
    ("zoetrope-hostile", May::All),
];

/// The package that owns the end-to-end tests: its tests may depend on every package.
const OWNS_THE_TESTS: &str = CLI;

/// Packages that only the tests and examples of a package depend on: those of the host run the pack.
const FOR_TESTS: [(&str, &str); 1] = [(HOST, BUNDLED_PACK)];

/// Packages that must not depend on the host, directly or through other packages.
const WITHOUT_HOST: [&str; 4] = [PLUGIN, NODE_SDK, EMULATOR, WORKFLOW];

/// External packages that a package must not depend on: the host is a library and prints nothing.
const NEVER: [(&str, &str); 2] = [(HOST, "clap"), (HOST, "indicatif")];

/// The permitted dependencies of a package.
#[derive(Clone, Copy)]
enum May {
    All,
    These(&'static [&'static str]),
}

/// A dependency as a package's manifest declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of the library, the program or the build script.
    Build,
    /// Of tests, benches and examples.
    Dev,
}

/// A violation of the rules by the packages of a workspace.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Unknown {
        package: String,
    },
    Forbidden {
        from: String,
        to: String,
        kind: Kind,
    },
    ReachesHost {
        path: Vec<String>,
    },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { package } => write!(
                f,
                "{package} has no row in tests/house/crates.rs: add it to ROWS with the packages \
                 that it may depend on"
            ),
            Self::Forbidden { from, to, kind } => {
                let section = match kind {
                    Kind::Build => "dependencies",
                    Kind::Dev => "dev-dependencies",
                };
                write!(
                    f,
                    "{from} has {to} among its {section}. Rule: {}",
                    rule(from, to)
                )
            }
            Self::ReachesHost { path } => {
                let (from, path) = (&path[0], path.join(" -> "));
                write!(f, "{path}. Rule: {from} never reaches {HOST}")
            }
        }
    }
}

/// The rule that forbids a dependency.
fn rule(from: &str, to: &str) -> String {
    if NEVER.contains(&(from, to)) {
        return format!("{from} does not depend on {to}");
    }
    match allowed(from) {
        Some(May::These([])) => format!("{from} depends on no package of the workspace"),
        Some(May::These(these)) => {
            let these = these.join(", ");
            format!("{from} may depend on these packages of the workspace only: {these}")
        }
        Some(May::All) | None => "none".into(),
    }
}

fn allowed(package: &str) -> Option<May> {
    let row = ROWS.iter().find(|(name, _)| *name == package);
    row.map(|(_, may)| *may)
}

/// All violations by the packages in the output of `cargo metadata --no-deps`.
fn violations(metadata: &Value) -> Vec<Wrong> {
    let packages = packages(metadata);
    let mut wrong = Vec::new();
    for (package, dependencies) in &packages {
        if allowed(package).is_none() {
            wrong.push(Wrong::Unknown {
                package: (*package).to_owned(),
            });
        }
        for (to, kind) in dependencies {
            let inside = packages.contains_key(to) && !may_depend(package, to, *kind);
            if inside || NEVER.contains(&(package, to)) {
                wrong.push(Wrong::Forbidden {
                    from: (*package).to_owned(),
                    to: (*to).to_owned(),
                    kind: *kind,
                });
            }
        }
    }
    let paths = WITHOUT_HOST
        .iter()
        .filter_map(|from| path_to_host(&packages, from));
    wrong.extend(paths.map(|path| Wrong::ReachesHost { path }));
    wrong
}

fn may_depend(from: &str, to: &str, kind: Kind) -> bool {
    let for_tests = from == OWNS_THE_TESTS || to == FUZZING || FOR_TESTS.contains(&(from, to));
    if kind == Kind::Dev && for_tests {
        return true;
    }
    match allowed(from) {
        Some(May::These(these)) => these.contains(&to),
        // A package without a row is reported once, not for each dependency.
        Some(May::All) | None => true,
    }
}

/// The shortest chain of dependencies from a package to the host, without those of tests.
fn path_to_host(packages: &Packages, from: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut paths = vec![vec![from.to_owned()]];
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let last = path.last()?;
            if last == HOST {
                return Some(path);
            }
            let next = packages.get(last.as_str()).into_iter().flatten();
            for (to, _) in next.filter(|(_, kind)| *kind == Kind::Build) {
                if seen.insert(*to) {
                    longer.push([&path[..], &[(*to).to_owned()]].concat());
                }
            }
        }
        paths = longer;
    }
    None
}

/// The packages and their dependencies.
type Packages<'a> = BTreeMap<&'a str, Vec<(&'a str, Kind)>>;

fn packages(metadata: &Value) -> Packages<'_> {
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            (name(package), dependencies.iter().map(dependency).collect())
        })
        .collect()
}

fn dependency(dependency: &Value) -> (&str, Kind) {
    let kind = match dependency["kind"].as_str() {
        None | Some("build") => Kind::Build,
        Some("dev") => Kind::Dev,
        Some(other) => panic!("a dependency of the kind {other}"),
    };
    (name(dependency), kind)
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("a name")
}

fn report(wrong: &[Wrong]) -> String {
    let lines: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn every_dependency_between_crates_follows_the_table() {
    let metadata = metadata();
    assert!(
        packages(&metadata).contains_key(HOST),
        "the host is missing"
    );
    let wrong = violations(&metadata);
    assert!(wrong.is_empty(), "{}", report(&wrong));
}

/// A valid workspace with these additional dependencies: from, to, and the kind as Cargo writes it.
fn workspace(more: &[(&str, &str, Value)]) -> Value {
    let right = [
        (CLI, HOST, Value::Null),
        (CLI, EMULATOR, Value::Null),
        (CLI, BUNDLED_PACK, Value::Null),
        (CLI, PLUGIN, json!("dev")),
        (PLUGIN, NODE_SDK, Value::Null),
        (PLUGIN, FUZZING, json!("dev")),
        (HOST, FUZZING, json!("dev")),
        (HOST, BUNDLED_PACK, json!("dev")),
        (HOST, "serde", Value::Null),
        (CLI, "clap", Value::Null),
        ("zoetrope-benches", PLUGIN, Value::Null),
        ("zoetrope-benches", CLI, json!("build")),
    ];
    let dependencies = right.iter().chain(more);
    let ours = |name: &&str| name.starts_with("zoetrope-");
    let names: BTreeSet<&str> = dependencies
        .clone()
        .flat_map(|(from, to, _)| [*from, *to])
        .filter(ours)
        .collect();
    let packages = names.into_iter().map(|package| {
        let of = dependencies.clone().filter(|(from, ..)| *from == package);
        let of: Vec<_> = of
            .map(|(_, to, kind)| json!({"name": to, "kind": kind}))
            .collect();
        json!({"name": package, "dependencies": of})
    });
    json!({"packages": packages.collect::<Vec<_>>()})
}

#[test]
fn workspace_in_the_right_order_passes() {
    assert_eq!(violations(&workspace(&[])), []);
}

#[test]
fn wrong_dependency_fails_with_both_names_and_the_rule() {
    for (from, to, kind, expected) in [
        (
            HOST,
            CLI,
            Value::Null,
            "zoetrope-host has zoetrope-cli among its dependencies. Rule: zoetrope-host may depend \
             on these packages of the workspace only: zoetrope-workflow",
        ),
        (
            HOST,
            EMULATOR,
            json!("build"),
            "zoetrope-host has zoetrope-emulator among its dependencies. Rule: zoetrope-host may \
             depend on these packages of the workspace only: zoetrope-workflow",
        ),
        (
            HOST,
            BUNDLED_PACK,
            Value::Null,
            "zoetrope-host has zoetrope-bundled-pack among its dependencies. Rule: zoetrope-host \
             may depend on these packages of the workspace only: zoetrope-workflow",
        ),
        (
            BUNDLED_PACK,
            HOST,
            Value::Null,
            "zoetrope-bundled-pack has zoetrope-host among its dependencies. Rule: \
             zoetrope-bundled-pack depends on no package of the workspace",
        ),
        (
            PLUGIN,
            EMULATOR,
            json!("dev"),
            "zoetrope-plugin has zoetrope-emulator among its dev-dependencies. Rule: \
             zoetrope-plugin may depend on these packages of the workspace only: zoetrope-node-sdk",
        ),
        (
            HOST,
            "clap",
            Value::Null,
            "zoetrope-host has clap among its dependencies. Rule: zoetrope-host does not depend on \
             clap",
        ),
    ] {
        assert_eq!(
            report(&violations(&workspace(&[(from, to, kind)]))),
            expected
        );
    }
}

#[test]
fn package_that_reaches_the_host_through_another_fails_with_the_whole_path() {
    let wrong = violations(&workspace(&[(NODE_SDK, HOST, Value::Null)]));
    let path = |path: &[&str]| Wrong::ReachesHost {
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    };
    assert!(
        wrong.contains(&path(&[NODE_SDK, HOST])),
        "{}",
        report(&wrong)
    );
    assert!(
        wrong.contains(&path(&[PLUGIN, NODE_SDK, HOST])),
        "{}",
        report(&wrong)
    );
}

#[test]
fn package_without_a_row_fails_and_says_what_to_add() {
    let wrong = violations(&workspace(&[("zoetrope-page", HOST, Value::Null)]));
    assert_eq!(
        report(&wrong),
        "zoetrope-page has no row in tests/house/crates.rs: add it to ROWS with the packages that \
         it may depend on"
    );
}
