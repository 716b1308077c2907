"""What the JSON bodies of requests have in common."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """A request's JSON body. The API's names are camelCase, ours are not; no value is converted to fit."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel)
