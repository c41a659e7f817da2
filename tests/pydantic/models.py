"""The two input models in pydantic v2.

`prove` compares the JSON Schemas that they generate with the published files.
"""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"

Size = Literal[
    "Square HD (1:1)",
    "Square FullHD (1:1)",
    "Portrait HD (3:4)",
    "Portrait FullHD (3:4)",
    "Portrait HD (9:16)",
    "Portrait FullHD (9:16)",
    "Landscape HD (4:3)",
    "Landscape FullHD (4:3)",
    "Landscape HD (16:9)",
    "Landscape FullHD (16:9)",
]


class ImageToVideoNodeInput(BaseModel):
    """Image to video node input."""

    model: Literal["Pixel M", "Pixel S"] = Field("Pixel M", description="Model")
    prompt: str = Field(description="Prompt")
    image: str = Field(description="Image")
    negative_prompt: str | None = Field(
        title="Negative prompt", description="Negative prompt"
    )
    size: Size = Field(
        "Landscape HD (16:9)",
        title="Size (Only for Pixel M)",
        description="Size (Only for Pixel M)",
    )
    prompt_optimizer: bool | None = Field(
        True, title="Prompt optimizer", description="Prompt optimizer"
    )


class ImageToVideoV3NodeInput(BaseModel):
    """Image to video node input."""

    prompt: str = Field(description="Prompt", max_length=904)
    image: str = Field(title="Start image", description="Start image of the video.")
    negative_prompt: Annotated[str, Field(max_length=904)] | None = Field(
        None, title="Negative prompt", description="Negative prompt"
    )
    steps: int = Field(20, description="Steps", ge=1, le=50)
    guidance_scale: int = Field(
        3, title="Guidance scale", description="Guidance scale", ge=1, le=10
    )
    frame_rate: int = Field(
        8, title="Frame rate", description="Frame rate", ge=1, le=30
    )


MODELS: dict[str, type[BaseModel]] = {
    "image_to_video": ImageToVideoNodeInput,
    "image_to_video_v3": ImageToVideoV3NodeInput,
}

# The fields in which 20.0 is 20.
INTEGERS = {
    node: [name for name, field in model.model_fields.items() if field.annotation is int]
    for node, model in MODELS.items()
}


def prove() -> None:
    """Raises unless every model's JSON Schema is the published one."""
    for node, model in MODELS.items():
        published = json.loads((SCHEMAS / node / "input.json").read_text("utf-8"))
        if canonical(model.model_json_schema()) != canonical(published):
            raise SystemExit(f"the model of {node} is not the published schema's")


def canonical(document: object) -> str:
    """A text that is equal for equal JSON: 1, 1.0 and true differ, key order does not."""
    return json.dumps(document, sort_keys=True)


if __name__ == "__main__":
    prove()
    print("both models generate the published schemas")
