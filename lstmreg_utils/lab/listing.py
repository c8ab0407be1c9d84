"""The first article's zoneout, repaired so that it runs: to be measured, not to be used."""

from ..layers import ZoneoutLSTM, ZoneoutLSTMCell


class ListingLSTMCell(ZoneoutLSTMCell):
    """The cell of `ListingLSTM`."""

    def expected(self):
        """Nothing: at inference the listing takes the new c as it is."""
        return [None, None]


class ListingLSTM(ZoneoutLSTM):
    """In training `ZoneoutLSTM`, at inference a plain LSTM.

    So far it is the listing of chapter 6 after its four repairs. Unlike that it stops at padding.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> x, plain, listing = np.ones((1, 3, 2)), keras.layers.LSTM(4), ListingLSTM(4, zoneout_c=0.5)
    >>> for layer in (plain, listing):
    ...     layer.build(x.shape)
    >>> listing.set_weights(plain.get_weights())
    >>> bool(np.allclose(listing(x), plain(x)))
    True
    """

    def __init__(self, units, zoneout_c=0.0, **kwargs):
        super().__init__(units, zoneout_c=zoneout_c, **kwargs)
        self.cell = ListingLSTMCell(**self.cell.get_config())
