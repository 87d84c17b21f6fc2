"""What is made of the metrics for operators: a page, a dashboard and alerts; each name in them is one of ``SPECS``."""
