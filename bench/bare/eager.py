"""An AI function that imports everything at the top, as many do: every SDK, every client, every module of the layer."""

import importlib
import pkgutil

import boto3
import docx
import google.generativeai as genai
import openai
import pypdfium2
import razorpay

import tollgate
from ai.parse_resume import handler
from tollgate import app
from tollgate.http import idempotency

modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(tollgate.__path__, "tollgate.")]
clients = [
    boto3.client("dynamodb"),
    openai.OpenAI(api_key="bench"),
    app.ai(),
    app.gateway(),
    idempotency.kept_replies(),
]

__all__ = ["clients", "docx", "genai", "handler", "modules", "pypdfium2", "razorpay"]
