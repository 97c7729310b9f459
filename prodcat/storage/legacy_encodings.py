"""Recognises the encoding of bytes that are not UTF-8, from the letters that they would make.

Each candidate is a language with the encodings in which it was written before UTF-8.  A candidate's
score is the logarithm of the probability of the letters beyond ASCII, if they follow Zipf's law
within the letters of the language, minus a penalty for what people do not write: a sign inside a
word, a capital after a small letter, or letters of two scripts in one word.  The best candidate is
taken only if every candidate that would give other letters is much less likely.
"""

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# The letters beyond ASCII of a language, the most frequent first.
_LETTERS = {
    "English": "éèñçêöüâï",
    "German": "üäößé",
    "French": "éèàêçâîôûùëïœü",
    "Spanish": "óáíéñúü",
    "Portuguese": "ãáçéíóêúõâàôü",
    "Italian": "èàùòéì",
    "Catalan": "àéòóèíçïúü",
    "Dutch": "ëéïèöüó",
    "Swedish": "äåöé",
    "Danish": "øæåé",
    "Icelandic": "ðáíþóæöéúý",
    "Turkish": "ışüğçöİâîû",
    "Polish": "łążęóśćńź",
    "Czech": "íáéěřýčžšůúňťďó",
    "Slovak": "áíéčžýšúľťňôďäóĺŕ",
    "Hungarian": "éáöóőüíúű",
    "Romanian": "ăîâşţ",
    "Croatian": "čšžćđ",
    "Lithuanian": "ėšžųįūąęč",
    "Latvian": "āīēšņūļžčķģ",
    "Estonian": "äõüöšž",
    "Russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "Ukrainian": "оаинтвріелскмдупяьзбгйчхцїюєжшщфґ",
    "Bulgarian": "аоиентрсвлдкпмзяъубгчщжйцхшфюь",
    "Serbian": "аоиенрстјвкудмплзбгњчцжшћхљђфџ",
    "Greek": "αοιετνσηςρπκμλυδγωχθφβξζψάίόέήύώϊ",
    "Hebrew": "יוהלארתבשמנדעקפחטגצזסךםןףץ",
    "Arabic": "الينمرتوبةهدسعفكحقجشصطخضذثزغأىإئءؤظآ",
}
_WESTERN = [
    *("English", "German", "French", "Spanish", "Portuguese", "Italian", "Catalan", "Dutch"),
    *("Swedish", "Danish", "Icelandic", "Estonian"),
]
_CENTRAL = ["German", "Polish", "Czech", "Slovak", "Hungarian", "Romanian", "Croatian"]
_CYRILLIC = ["Russian", "Ukrainian", "Bulgarian", "Serbian"]
# The languages of each encoding, and the logarithm of how rare it is among the files of today.
_ENCODINGS: dict[str, tuple[list[str], float]] = {
    "cp1252": (_WESTERN, 0.0),
    "cp1254": (["Turkish", *_WESTERN[:-2]], 0.0),
    "cp1250": (_CENTRAL, 0.0),
    "cp1251": (_CYRILLIC, 0.0),
    "cp1253": (["Greek"], 0.0),
    "cp1255": (["Hebrew"], 0.0),
    "cp1256": (["Arabic"], 0.0),
    "cp1257": (["Lithuanian", "Latvian", "Estonian"], -1.0),
    "iso8859-1": (_WESTERN, -1.0),
    "iso8859-9": (["Turkish", *_WESTERN[:-2]], -1.0),
    "iso8859-2": (_CENTRAL, -1.0),
    "iso8859-15": (_WESTERN, -1.0),
    "iso8859-5": (_CYRILLIC, -3.0),
    "iso8859-7": (["Greek"], -1.0),
    "koi8-r": (_CYRILLIC, -1.0),
    "cp866": (_CYRILLIC, -1.0),
    "cp850": (_WESTERN, -2.0),
    "cp857": (["Turkish"], -2.0),
    "cp852": (_CENTRAL, -2.0),
    "mac-roman": (_WESTERN, -2.0),
    "mac-turkish": (["Turkish"], -6.0),
}
_USUAL = ("cp1252", "cp1254", "cp1250", "cp1251")  # in which shops write most of such files
LEGACY_ENCODINGS = tuple(_ENCODINGS)  # the candidates, as Python knows them
_RARE_LANGUAGES = {"Icelandic": -5.0, "Estonian": -1.0, "Catalan": -1.0}
_SIGNS = frozenset("™®©°€£½¼¾²³±×µ«»–—’‘“”„…•·º§\xa0\xad")
_WITHIN_WORDS = frozenset("™®©’‘´·–—\xad")
_LOANED = frozenset("éèêàçñáâóüöäåîïô")  # letters of words that are used in many languages
_SIGN, _LOAN, _FOREIGN = math.log(0.02), math.log(0.005), math.log(0.0001)
_MISTAKE = -6.0  # the logarithm of how likely it is that people write so
_CONTROL = -12.0
_SELDOM = -3.0  # of a letter at a place where it is seldom
_AT_DIGIT, _ALONE = -4.0, -2.0  # the same for a letter next to a digit, and without a neighbour
_LEAST = -5.5  # the log-probability of a letter, on average
_MARGIN = 3.0  # the best candidate must be this much more likely, as a logarithm
_MOST_MISTAKES = 0.05  # of a word: more of them, and it is no text of the language
_RUN = 5  # letters beyond ASCII in a row, in a word of Latin letters
_WHOLE = 4  # such letters that are a whole word
_SMALL = 3.0  # added to the margin if there are few different letters beyond ASCII
_SPARSE = 3  # different letters beyond ASCII
_TELL = 8.0  # encodings that are less likely by this logarithm are not named to the user


@dataclass(frozen=True)
class LegacyGuess:
    """What bytes that are not UTF-8 may be.

    Attributes:
        encoding: The encoding; None if no candidate fits, or several do with different letters.
        others: Encodings that fit too and give other letters, the best first.
        example: A word that has other letters in the first of ``others``, as it is read in
            ``encoding`` or, if that is None, in the best candidate.
        other_example: The same word as it is read in the first of ``others``, or in the second if
            ``encoding`` is None.
    """

    encoding: str | None
    others: tuple[str, ...] = ()
    example: str = ""
    other_example: str = ""


def guess_encoding(words: Iterable[bytes]) -> LegacyGuess:
    """Guess the encoding of words.

    Args:
        words: Different words, each with a byte beyond ASCII.

    >>> guess_encoding(["Şeker".encode("cp1254"), "sarı".encode("cp1254")]).encoding
    'cp1254'
    """
    words = sorted(words)
    used = bytes(sorted({byte for word in words for byte in word if byte > 0x7F}))
    scores: dict[str, float] = {}
    for encoding in _ENCODINGS:
        score = _score(words, encoding)
        if score is not None:
            scores[encoding] = score
    ranked = sorted(scores, key=lambda encoding: -scores[encoding])
    if not ranked:
        return LegacyGuess(None)
    best = ranked[0]
    letters = used.decode(best, "replace")
    rivals = [
        other
        for other in ranked[1:]
        if scores[best] - scores[other] < _TELL and used.decode(other, "replace") != letters
    ]
    if not rivals:
        return LegacyGuess(best)
    example = next(
        word for word in words if word.decode(best, "replace") != word.decode(rivals[0], "replace")
    )
    shown = example.decode(best, "replace"), example.decode(rivals[0], "replace")
    is_little = len(used) < (_SPARSE if best not in _USUAL else 2)
    margin = _MARGIN + _SMALL * is_little
    near = [other for other in rivals if scores[best] - scores[other] < margin]
    if not near:
        return LegacyGuess(best, tuple(rivals), *shown)
    return LegacyGuess(None, (best, *near), *shown)


def _score(words: list[bytes], encoding: str) -> float | None:
    """The log-probability of the words in the best language of an encoding; None if none fits."""
    texts = [word.decode(encoding, "surrogateescape") for word in words]
    penalties = [_penalty(text) for text in texts]
    mistakes = sum(penalty <= _MISTAKE for penalty in penalties)
    if mistakes > max(_MOST_MISTAKES * len(words), 0.5 if len(words) < 20 else 1):
        return None
    counts: dict[str, int] = {}
    for letter in (letter for text in texts for letter in text if letter > "\x7f"):
        counts[letter] = counts.get(letter, 0) + 1
    languages, prior = _ENCODINGS[encoding]
    likelihood = max(_likelihood(counts, name) for name in languages)
    if likelihood < _LEAST * sum(1 + math.log(count) for count in counts.values()):
        return None
    return sum(penalties) + prior + likelihood


def _likelihood(counts: dict[str, int], language: str) -> float:
    """The log-probability of letters and signs beyond ASCII in a language."""
    ranks = {letter: rank for rank, letter in enumerate(_LETTERS[language], 1)}
    whole = math.log(sum(1 / rank for rank in ranks.values()))
    total = _RARE_LANGUAGES.get(language, 0.0)
    for letter, count in counts.items():
        rank = ranks.get(letter) or ranks.get(letter.lower())
        if rank:
            logarithm = -math.log(rank) - whole
        elif letter.lower() in _LOANED:
            logarithm = _LOAN
        else:
            logarithm = _SIGN if letter in _SIGNS else _FOREIGN
        # That a letter occurs again says little: a shop has many words with one letter.
        total += (1 + math.log(count)) * logarithm
    return total


def _penalty(word: str) -> float:
    """The sum of the penalties for what people do not write; 0 for a word as people write it."""
    total, run = 0.0, 0
    for place, letter in enumerate(word):
        run = run + 1 if letter > "\x7f" and _is_latin(letter) else 0
        if run == _RUN or _WHOLE <= run == len(word):
            total += _MISTAKE
        if letter <= "\x7f":
            continue
        before, after = word[max(place - 1, 0) : place], word[place + 1 : place + 2]
        if unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co"):
            total += _CONTROL
        elif not _is_letter(letter):
            inside = _is_letter(before) and _is_letter(after) and letter not in _WITHIN_WORDS
            inside = inside or (letter in "®™" and _is_letter(after))
            total += _MISTAKE * (inside + (letter not in _SIGNS | _WITHIN_WORDS))
        else:
            total += _MISTAKE * (_is_case_wrong(word, place) + _mixes(letter, before, after))
            total += _SELDOM * (letter == "ì" and _is_letter(after))  # ends a word where it is used
            total += _AT_DIGIT * (before + after).isdigit() + _ALONE * (len(word) == 1)
    return total


def _is_case_wrong(word: str, place: int) -> bool:
    """Whether a capital follows a small letter, or a small letter stands among capitals."""
    letter, before = word[place], word[max(place - 2, 0) : place]
    if letter.isupper():
        return before[-1:].islower() and _is_letter(before[-1:])
    after = word[place + 1 : place + 2]
    among = before.isupper() and (len(before) == 2 or after.isupper())
    return letter.islower() and letter not in "ßı" and among


def _mixes(letter: str, before: str, after: str) -> bool:
    """Whether a letter has a neighbour of another script."""
    neighbours = [part for part in (before, after) if _is_letter(part)]
    return any(_is_latin(part) != _is_latin(letter) for part in neighbours)


def _is_letter(text: str) -> bool:
    return text.isalpha() and text not in "ºªµ"


def _is_latin(letter: str) -> bool:
    return letter < "\u0250" and _is_letter(letter)
