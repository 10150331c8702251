"""Every figure that the docs claim, re-runnable: `scripts/bench [NAME...]`.

Each module here is one measurement with a `main()` that prints what it measured.
"""
