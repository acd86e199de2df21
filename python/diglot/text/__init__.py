"""Text that a network writes, one character after the other.

corpus = diglot.datasets.text("tiny_shakespeare")
for character in diglot.text.generate(network, corpus.vocabulary, "ROMEO:", 500, seed=1):
    print(character, end="", flush=True)
"""

from diglot.datasets.vocabulary import Vocabulary
from diglot.text.sampling import keep_most_likely, keep_nucleus, next_token_probabilities
from diglot.text.writing import LanguageModel, generate

__all__ = [
    "LanguageModel",
    "Vocabulary",
    "generate",
    "keep_most_likely",
    "keep_nucleus",
    "next_token_probabilities",
]
