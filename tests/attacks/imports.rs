//! Components that import interfaces which no pack is given.

use zoetrope_host::component::{Pack, PackError};

use super::Family;
use crate::support::engine;
use crate::support::guests::{component, policy};

/// A WASI interface, and what it would give a component.
const WANTED: [(&str, &str); 8] = [
    ("wasi:filesystem/preopens", "the folders of the host"),
    ("wasi:filesystem/types", "files"),
    ("wasi:sockets/tcp", "unchecked TCP connections"),
    ("wasi:sockets/udp", "unchecked UDP datagrams"),
    ("wasi:sockets/ip-name-lookup", "secrets sent in DNS queries"),
    ("wasi:sockets/instance-network", "the host's network"),
    ("wasi:http/incoming-handler", "another component's requests"),
    ("wasi:keyvalue/store", "data of other components"),
];

pub(super) fn family() -> Family {
    let mut family = Family::new("imports");
    for (interface, purpose) in WANTED {
        family.attack(format!("import {interface}: {purpose}"), move || {
            let component = asking_for(interface);
            let outcome = Pack::load(&engine(), &component, &policy(&component));
            let refused = match outcome.err() {
                Some(PackError::RefusedImports { refused }) => refused,
                other => panic!("{other:?}"),
            };
            assert_eq!(refused, [format!("{interface}@0.2.12")]);
        });
    }
    family
}

/// A component with the contract's exports and this additional import.
fn asking_for(interface: &str) -> Vec<u8> {
    let (package, name) = interface
        .split_once('/')
        .expect("an interface of a package");
    let module = format!(
        r#"(module
            (import "{interface}@0.2.12" "open" (func $open))
            (func (export "zoetrope:workflow-node/catalog@0.2.0#node-types") (call $open))
            (func (export "zoetrope:workflow-node/jobs@0.2.0#check"))
            (func (export "zoetrope:workflow-node/media@0.2.0#plan-upload")))"#
    );
    let world = format!(
        "package zoetrope:workflow-node@0.2.0;
         interface catalog {{ node-types: func(); }}
         interface jobs {{ check: func(); }}
         interface media {{ plan-upload: func(); }}
         world w {{ import {interface}@0.2.12; export catalog; export jobs; export media; }}
         package {package}@0.2.12 {{ interface {name} {{ open: func(); }} }}"
    );
    component(&module, &world)
}
