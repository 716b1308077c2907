"""Money is integer paise inside; rupees only where an API field says so."""


def rupees(amount: int) -> int:
    """Paise of a whole number of rupees."""
    return amount * 100


def in_rupees(paise: int) -> int | float:
    """Rupees for display: whole where they are whole."""
    whole, rest = divmod(paise, 100)
    return whole if rest == 0 else paise / 100


def written(paise: int) -> str:
    """An amount as India writes it: `₹1,490`, `₹12,34,567.50`."""
    whole, rest = divmod(abs(paise), 100)
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return f"{'-' if paise < 0 else ''}₹{','.join([*pairs, tail])}{f'.{rest:02d}' if rest else ''}"


def share(amount: int, part: int, whole: int) -> int:
    """`amount × part ÷ whole` in paise, floored: a credit never exceeds what was paid."""
    return amount * part // whole
