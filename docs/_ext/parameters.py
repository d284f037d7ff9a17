"""Leads from the page of parameters by what they do to each one's own description."""

from docutils import nodes

from sknet import ScratchMLPClassifier, ScratchMLPRegressor

PAGES = {
    f"api/generated/sknet.{estimator.__name__}": set(estimator().get_params())
    for estimator in (ScratchMLPClassifier, ScratchMLPRegressor)
}


def add_anchors(app, doctree):
    """Give each parameter an anchor on the page of its class."""
    names = PAGES.get(app.env.docname, ())
    for term in doctree.findall(nodes.term):
        name = term.astext().partition(" ")[0]
        if name in names and isinstance(term[0], nodes.strong):
            term["ids"].append(anchor(name))


def add_links(app, doctree, docname):
    """Lead the names in the tables of the page there."""
    if docname != "parameters":
        return
    for cell in doctree.findall(nodes.entry):
        for literal in list(cell.findall(nodes.literal)):
            name = literal.astext()
            page = next((page for page, names in PAGES.items() if name in names), None)
            if page is not None:
                uri = app.builder.get_relative_uri(docname, page)
                link = nodes.reference("", "", refuri=f"{uri}#{anchor(name)}")
                link["internal"] = True
                literal.replace_self(link)
                link += literal


def anchor(name):
    return f"param-{name}"


def setup(app):
    app.connect("doctree-read", add_anchors)
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
