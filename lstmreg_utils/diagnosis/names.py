"""What the name of a number says: a loss, or a metric of which more is better."""

import re

MORE = re.compile(
    r"acc|auc|precision|recall|specificity|f\d|fbeta|r2|iou|dice|similarity|top_|bleu"
)
LESS = re.compile(
    r"loss|err|deviation|entropy|hinge|perplexity|poisson|divergence|cosh|nll|"
    r"(^|_)(mse|mae|mape|msle|rmse|wer|cer)($|_)"
)


def more_is_better(name, what="metric"):
    """Whether more of a metric of this name is better; a ValueError where the name does not say.

    Examples
    --------
    >>> more_is_better("val_accuracy"), more_is_better("val_loss")
    (True, False)
    """
    if LESS.search(name.lower()):
        return False
    if MORE.search(name.lower()):
        return True
    raise ValueError(
        f"{what} must have a name that says whether more of it is better, got {name!r}: "
        "rename it, say to 'my_accuracy' or 'my_error'"
    )


def check_loss(what, name):
    """Refuse the name of a metric of which more is better, where a loss is meant."""
    if MORE.search(name.lower()) and not LESS.search(name.lower()):
        raise ValueError(f"{what} must name a loss, got {name!r}, of which more is better")
