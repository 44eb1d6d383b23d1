from .address import (
    Address as Address,
    address_of as address_of,
    is_address as is_address,
)
from .bounds import (
    Limits as Limits,
    ServerLost as ServerLost,
    ServerTrouble as ServerTrouble,
    within as within,
)
from .bringing import bring as bring
from .extra import with_extra as with_extra
from .giving.kinds import OBJECT_KINDS as OBJECT_KINDS, STUDY_KINDS as STUDY_KINDS
from .giving.objects import (
    Given as Given,
    give as give,
)
from .giving.studies import give_study as give_study
from .receiving import (
    Door as Door,
    receive as receive,
)
