"""Money is integer paise inside; rupees only where an API field says so."""


def rupees(amount: int) -> int:
    """Paise of a whole number of rupees."""
    return amount * 100


def in_rupees(paise: int) -> int | float:
    """Rupees for display: whole where they are whole."""
    whole, rest = divmod(paise, 100)
    return whole if rest == 0 else paise / 100


def share(amount: int, part: int, whole: int) -> int:
    """`amount × part ÷ whole` in paise, floored: a credit never exceeds what was paid."""
    return amount * part // whole
