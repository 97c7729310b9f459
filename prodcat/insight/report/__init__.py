"""Reports on an evaluation: a self-contained HTML page, and Markdown."""

from prodcat.insight.report.figures import NodeFigures, node_figures, wilson
from prodcat.insight.report.report import Report, report_evaluation

__all__ = ["NodeFigures", "Report", "node_figures", "report_evaluation", "wilson"]
