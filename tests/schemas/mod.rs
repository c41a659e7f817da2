//! Compares `check` of all nodes with their served schemas, by Python's `jsonschema` and pydantic,
//! over inputs that `hypothesis-jsonschema` draws. `docs/concepts/validation.md` explains the comparison.

use crate::support::python;

/// With this number of inputs a node, every rule of the schemas is broken at least once.
const INPUTS: &str = "1000";

/// `hypothesis-jsonschema` calls an internal method that later versions of hypothesis do not have.
const PROBE: &str = "import hypothesis_jsonschema, jsonschema; \
    from hypothesis.internal.conjecture.utils import many; many.more";

#[test]
fn served_schemas_agree_with_check_on_generated_inputs() {
    python::run("tests/schemas/compare.py", PROBE, &["--count", INPUTS]);
}

#[test]
fn node_types_fit_a_model_made_from_the_description() {
    let probe = "import datamodel_code_generator";
    python::run("tests/schemas/node_types.py", probe, &[]);
}
