"""Country codes that an extract may hold.

Reach for this to check a nationality, destination or host country. The list is ISO 3166-1 as of 2026; a country
that ISO adds is added here by hand, so that a library's update never changes which rows are refused.
"""

# https://www.iso.org/iso-3166-country-codes.html, the 249 officially assigned alpha-3 codes.
ISO_3166 = frozenset(
    """
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR
    BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL
    COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK
    FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV
    HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO
    LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG
    MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN
    PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE
    SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO
    TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
    """.split()
)

# Kosovo has no ISO code. XKX is what the European Union and the World Bank write; ICAO's RKS is not accepted,
# so that one country never stands under two codes.
KOSOVO = "XKX"

# ICAO Doc 9303 part 3, section 5: persons without a defined nationality.
ICAO_9303 = {
    "XXA": "stateless person",
    "XXB": "refugee under the 1951 Convention",
    "XXC": "other refugee",
    "XXX": "nationality not known",
}

HOST_COUNTRIES = ISO_3166 | {KOSOVO}
COUNTRIES = HOST_COUNTRIES | ICAO_9303.keys()
