"""The DTL: queries that route, cut, mirror, split and tag the items of projects."""
