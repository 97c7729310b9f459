"""Helps to test code that uses prodcat: creates a small, real classifier in a moment.

>>> from prodcat.testing import tiny_classifier
>>> classifier = tiny_classifier(answers={"the yellow one": "Food > Fruit > Bananas"})
>>> [[banana], [soap]] = classifier.predict(["the yellow one", "Fresh Soap 100 g"])
>>> banana.path, soap.path
(('Food', 'Fruit', 'Bananas'), ('Home', 'Cleaning', 'Soap'))
>>> classifier.predict(["Green Apples"], language="tr", guarantee=0.9)[0][0].path
('Gıda', 'Meyve', 'Elma')
"""

from prodcat.training.tiny import tiny_classifier

__all__ = ["tiny_classifier"]
