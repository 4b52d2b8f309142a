"""The commands, one module each; `cometapi_runway.cli._app` names them without importing them."""
