import matplotlib.pyplot as plt

from vggstudy.plots.mistakes import plot_symptoms


def test_a_row_holds_both_errors_and_what_changed():
    symptoms = [
        {"name": "no ReLU", "right": 8.5, "broken": 42.0, "changed": 41.5},
        {"name": "another order", "right": 5.0, "broken": 97.0, "changed": 98.0},
    ]
    figure = plot_symptoms(symptoms)
    (ax,) = figure.axes
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert dots == [(8.5, 0), (42.0, 0), (5.0, 1), (97.0, 1)]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["no ReLU", "another order"]
    assert [text.get_text() for text in ax.texts] == ["42% of the answers differ", "98% of the answers differ"]
    assert not plt.get_fignums()
