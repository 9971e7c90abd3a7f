"""Currencies of ISO 4217 and how many decimals each has.

A payment provider counts some currencies differently: Stripe counts ISK and UGX in hundredths, and MGA
in whole units. What is sent to a provider and read from one is converted by the provider's module, as
`tasks.contrib.stripe_payments.amounts` does, and never by `Money.minor_units`.
"""

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"

PLACES: dict[str, int] = {
    code: places
    for codes, places in (
        (_NO_DECIMALS, 0),
        (_TWO_DECIMALS, 2),
        (_THREE_DECIMALS, 3),
        (_FOUR_DECIMALS, 4),
    )
    for code in codes.split()
}


def decimal_places(currency: str) -> int:
    """The number of decimals of a currency. Raises ValueError for a code that is unknown."""
    try:
        return PLACES[currency]
    except KeyError:
        raise ValueError(
            f"{currency!r} is no currency code. Write one of ISO 4217, such as USD."
        ) from None
