"""`python tests/deploy/translated.py`: has SAM translate template.yaml as the cloud does before it deploys anything.

Run with SAM CLI's own environment, whose translator is the cloud's. Linting tells nothing of resources that come out twice, and
the cloud refuses such a stack.
"""

import sys
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]  # -- in SAM CLI's environment only
from samtranslator.model.exceptions import (  # type: ignore[import-not-found]  # -- as above
    InvalidDocumentException,
)
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]  # -- as above
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]  # -- as above

ROOT = Path(__file__).resolve().parents[2]
MOST_RESOURCES = 500  # of one stack
UPLOADED = "s3://uploaded/code"


def translated() -> dict[str, Any]:
    """The plain CloudFormation template."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    del template["Metadata"]  # anchors, not SAM's
    template["Globals"]["Function"]["CodeUri"] = UPLOADED
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = UPLOADED
    session = boto3.Session(region_name="ap-south-1")
    made: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(template, {"Stage": "dev"})
    return made


def main() -> int:
    """0 where it can be translated and fits a stack."""
    try:
        resources = translated()["Resources"]
    except InvalidDocumentException as error:
        sys.stderr.write("".join(f"{cause.message}\n" for cause in error.causes))
        return 1
    if len(resources) > MOST_RESOURCES:
        sys.stderr.write(f"{len(resources)} resources are more than a stack can have\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
