"""The report of a contract run: collected from the tests, judged, printed and written down."""
