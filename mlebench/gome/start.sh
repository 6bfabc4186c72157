#!/bin/bash
# Started by the benchmark as user nonroot; options of `gome run` come behind. Every place can be set from outside.
set -u
export DATA_DIR=${DATA_DIR:-/home/data}
export INSTRUCTIONS_DIR=${INSTRUCTIONS_DIR:-/home}
export SUBMISSION_DIR=${SUBMISSION_DIR:-/home/submission}
export CODE_DIR=${CODE_DIR:-/home/code}
export LOGS_DIR=${LOGS_DIR:-/home/logs}
export AGENT_DIR=${AGENT_DIR:-/home/agent}
export VALIDATE_URL=${VALIDATE_URL:-http://localhost:5000/validate}
export PROGRAMS_PYTHON=${PROGRAMS_PYTHON:-/opt/conda/envs/agent}
GOME_PYTHON=${GOME_PYTHON:-/opt/conda/envs/gome/bin/python}

export XDG_CACHE_HOME="$AGENT_DIR/.cache" PYTHONUNBUFFERED=1
set -o pipefail
"$GOME_PYTHON" "$AGENT_DIR/agent.py" "$@" 2>&1 | tee -a "$LOGS_DIR/gome.log"
