"""Form fields that give typed values."""

from tasks.parameters.fields.choices import ChoiceField, OptionField, SeveralField, YesNoField
from tasks.parameters.fields.dates import DayField, MomentField
from tasks.parameters.fields.files import UploadField
from tasks.parameters.fields.numbers import DecimalField, MoneyField, WholeField
from tasks.parameters.fields.objects import ObjectField
from tasks.parameters.fields.rows import QueriedField, RowsField
from tasks.parameters.fields.text import SecretField, TextField

__all__ = [
    "ChoiceField",
    "DayField",
    "DecimalField",
    "MomentField",
    "MoneyField",
    "ObjectField",
    "OptionField",
    "QueriedField",
    "RowsField",
    "SecretField",
    "SeveralField",
    "TextField",
    "UploadField",
    "WholeField",
    "YesNoField",
]
