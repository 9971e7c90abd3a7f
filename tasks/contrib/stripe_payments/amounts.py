"""How Stripe counts money, which is not everywhere as ISO 4217 does.

From https://docs.stripe.com/currencies: a request has a whole number of the smallest unit that
Stripe knows of a currency.

| currency                | Stripe counts | and takes                                    |
|-------------------------|---------------|----------------------------------------------|
| most                    | hundredths    | any                                          |
| JPY, KRW, MGA and more  | whole units   | any; ISO has hundredths for MGA              |
| ISK, UGX                | hundredths    | multiples of 100; ISO has no decimals        |
| BHD, JOD, KWD, OMR, TND | thousandths   | multiples of 10                              |

HUF and TWD are multiples of 100 in payouts only, and this package makes none.
"""

from decimal import Decimal
from typing import Final

from tasks.authoring import Money, Refused

_WHOLE: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_HUNDREDTHS: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY
COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
ISK JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL
THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS WST XCD XCG YER ZAR ZMW
"""
_THOUSANDTHS: Final = "BHD JOD KWD OMR TND"

_PLACES: Final = {
    code: places
    for codes, places in ((_WHOLE, 0), (_HUNDREDTHS, 2), (_THOUSANDTHS, 3))
    for code in codes.split()
}
# What Stripe takes only multiples of.
_STEP: Final = {"ISK": 100, "UGX": 100, **dict.fromkeys(_THOUSANDTHS.split(), 10)}


def units_of(amount: Money) -> int:
    """The number that Stripe is sent for an amount. Raises Refused, before anything is sent."""
    code = amount.currency
    if code not in _PLACES:
        raise Refused(f"Stripe does not handle {code} here, so nothing was sent.")
    units = amount.amount.scaleb(_PLACES[code])
    step = _STEP.get(code, 1)
    if units % step:
        smallest = Decimal(step).scaleb(-_PLACES[code]).normalize()
        raise Refused(
            f"Stripe takes {code} only in multiples of {smallest:f}. Nothing was sent. "
            f"Request another amount than {amount}."
        )
    return int(units)


def money_of(units: int, currency: str) -> Money:
    """The amount behind a number of Stripe's. Raises Refused where it is no amount that we know."""
    code = currency.upper()
    try:
        return Money(_decimal(units, code), code)
    except ValueError as error:
        raise Refused(
            f"Stripe shows {units} in {code}, which cannot be read as an amount. Check its dashboard."
        ) from error


def text_of(units: int, currency: str) -> str:
    """The amount as digits, for an answer that has to be kept whatever it says."""
    try:
        return f"{money_of(units, currency).amount:f}"
    except Refused:
        return f"{units} of its smallest unit"


def _decimal(units: int, code: str) -> Decimal:
    if code not in _PLACES:
        raise ValueError(f"{code} is no currency of Stripe's that is known here.")
    return Decimal(units).scaleb(-_PLACES[code])
