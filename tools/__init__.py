"""What acts on the world: data, evaluation, execution, records, models, memory. Imports only `gome.state`."""
