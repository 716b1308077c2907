"""The API's OpenAPI document, made from the functions themselves."""
