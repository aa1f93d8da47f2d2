# What every shell on a node of a cluster knows; the set-up commands have ~/.bashrc read it.
export RAY_AUTH_MODE=token  # with the token in ~/.ray/auth_token
export RAY_USAGE_STATS_ENABLED=0
if [ -d ~/.venvs/ganstudy ]; then export PATH="$HOME/.venvs/ganstudy/bin:$PATH"; fi
# Your own: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, credentials of an object store.
if [ -f ~/.ganstudy.env ]; then set -a; . ~/.ganstudy.env; set +a; fi
