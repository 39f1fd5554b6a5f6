"""A function app whose import fails."""

import azure.functions as func

app = func.FunctionApp()


@app.route(route="never")
def never(req: func.HttpRequest) -> str:
    """Never indexed."""
    return "never"


raise RuntimeError("a setting is missing")
