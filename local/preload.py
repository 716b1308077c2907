"""Imported once by the process that workers are forked from, for the modules it leaves in memory."""

import warnings

import aws_lambda_powertools.event_handler
import boto3.session
import pydantic

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # google-generativeai says that it is at its end, which is known
    import google.generativeai
    import openai

__all__ = ["aws_lambda_powertools", "boto3", "google", "openai", "pydantic"]
