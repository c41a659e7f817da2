"""Reads `zoetrope nodes --json` with a model that is generated from AgenticFlow's description.

    python3 tests/schemas/node_types.py [--zoetrope FILE]

A client that is made from the description fills in the description's defaults: an absent `cost`
reads as 4. So every entry must state its cost. The description's enum of connection categories
is widened by the categories that AgenticFlow does not have, and by nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from datamodel_code_generator import DataModelType, Formatter, InputFileType, generate

ROOT = Path(__file__).resolve().parents[2]
NODE_TYPE = "WorkflowEngineModelNodeTypesNodeType"
ADDED = ["shortapi", "popiart"]


def generated(description: dict, folder: Path) -> ModuleType:
    """The module of the models, as the generator writes it."""
    document = {"openapi": "3.1.0", "info": {"title": "AgenticFlow", "version": "1"}, "paths": {}}
    source, target = folder / "description.json", folder / "models.py"
    source.write_text(json.dumps(document | {"components": description["components"]}))
    generate(
        source,
        input_file_type=InputFileType.OpenAPI,
        output_model_type=DataModelType.PydanticV2BaseModel,
        output=target,
        formatters=[Formatter.BUILTIN],
    )
    module = ModuleType("models")
    sys.modules["models"] = module
    exec(compile(target.read_text(), str(target), "exec"), module.__dict__)
    return module


def listed(zoetrope: Path, folder: Path) -> list[dict]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZOETROPE_")}
    environment["ZOETROPE_CONFIG"] = str(Path(__file__).parent.parent / "pydantic/empty.toml")
    command = [zoetrope, "nodes", "--json", "--data-dir", str(folder / "data")]
    output = subprocess.run(command, stdout=subprocess.PIPE, cwd=folder, env=environment, check=True)
    return json.loads(output.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoetrope", type=Path, default=ROOT / "target/debug/zoetrope")
    arguments = parser.parse_args()
    description = json.loads((ROOT / "tests/data/agenticflow-node-type.json").read_text())
    description["components"]["schemas"]["AppConnectionCategoryName"]["enum"] += ADDED
    with tempfile.TemporaryDirectory(prefix="zoetrope-node-types-") as name:
        folder = Path(name)
        model = getattr(generated(description, folder), NODE_TYPE)
        nodes = listed(arguments.zoetrope.resolve(), folder)
    assert model.model_fields["cost"].default == 4, "the default of the description"
    for node in nodes:
        read = model.model_validate(node)
        assert read.cost == 0, f"{read.name} costs {read.cost}"
        assert read.pml_cost is None, f"{read.name} costs {read.pml_cost}"
        assert read.connection.connection_category.value == node["connection"]["connection_category"]
    without_cost = model.model_validate({key: value for key, value in nodes[0].items() if key != "cost"})
    assert without_cost.cost == 4
    print(f"{len(nodes)} node types fit the generated model")
    return 0


if __name__ == "__main__":
    sys.exit(main())
