"""What acts on the world: data, evaluation, execution, records, models. Imports only `gome.state`."""
