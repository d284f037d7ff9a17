"""What to install for the parts of sknet that need more than sknet does."""

# With "Install" in the README the one place to change at the release: from then on
# 'pip install "sknet-mlp[{extra}]"'.
INSTALL = 'pip install -e ".[{extra}]" in a checkout of sknet'


def how_to_install(package, extra):
    """How to get `package`, alone or with all of the `extra` that it belongs to."""
    return f"pip install {package}, or {INSTALL.format(extra=extra)}"
