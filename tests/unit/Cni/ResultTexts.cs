namespace CniPlugins.UnitTests.Cni;

/// <summary>
/// One result in every form. The texts up to 0.4.0 are what the static plugin of containernetworking-plugins 1.1.1 printed; those of
/// 1.x have the sorted keys that library v1.3.0 writes.
/// </summary>
internal static class ResultTexts
{
    public const string V020 = """
        {
            "cniVersion": "VERSION",
            "ip4": {
                "ip": "10.1.0.5/24",
                "gateway": "10.1.0.1",
                "routes": [
                    {
                        "dst": "0.0.0.0/0"
                    },
                    {
                        "dst": "192.168.0.0/16",
                        "gw": "10.1.0.9"
                    }
                ]
            },
            "ip6": {
                "ip": "fd00::5/64",
                "gateway": "fd00::1",
                "routes": [
                    {
                        "dst": "::/0"
                    }
                ]
            },
            "dns": {
                "nameservers": [
                    "1.1.1.1"
                ],
                "domain": "a\u003cb\u003e\u0026.é",
                "search": [
                    "x"
                ],
                "options": [
                    "ndots:1"
                ]
            }
        }
        """;

    public const string V040 = """
        {
            "cniVersion": "VERSION",
            "ips": [
                {
                    "version": "4",
                    "address": "10.1.0.5/24",
                    "gateway": "10.1.0.1"
                },
                {
                    "version": "6",
                    "address": "fd00::5/64",
                    "gateway": "fd00::1"
                }
            ],
            "routes": [
                {
                    "dst": "0.0.0.0/0"
                },
                {
                    "dst": "192.168.0.0/16",
                    "gw": "10.1.0.9"
                },
                {
                    "dst": "::/0"
                }
            ],
            "dns": {
                "nameservers": [
                    "1.1.1.1"
                ],
                "domain": "a\u003cb\u003e\u0026.é",
                "search": [
                    "x"
                ],
                "options": [
                    "ndots:1"
                ]
            }
        }
        """;

    public const string V100 = """
        {
            "cniVersion": "VERSION",
            "dns": {
                "domain": "a\u003cb\u003e\u0026.é",
                "nameservers": [
                    "1.1.1.1"
                ],
                "options": [
                    "ndots:1"
                ],
                "search": [
                    "x"
                ]
            },
            "ips": [
                {
                    "address": "10.1.0.5/24",
                    "gateway": "10.1.0.1"
                },
                {
                    "address": "fd00::5/64",
                    "gateway": "fd00::1"
                }
            ],
            "routes": [
                {
                    "dst": "0.0.0.0/0"
                },
                {
                    "dst": "192.168.0.0/16",
                    "gw": "10.1.0.9"
                },
                {
                    "dst": "::/0"
                }
            ]
        }
        """;

    /// <summary>What the portmap plugin of 1.1.1 printed for a chained 0.4.0 result.</summary>
    public const string Interfaces040 = """
        {
            "cniVersion": "0.4.0",
            "interfaces": [
                {
                    "name": "e",
                    "mac": "aa:bb",
                    "sandbox": "/x"
                },
                {
                    "name": "h"
                }
            ],
            "ips": [
                {
                    "version": "4",
                    "interface": 0,
                    "address": "10.1.0.5/24",
                    "gateway": "10.1.0.1"
                },
                {
                    "version": "6",
                    "address": "fd00::5/64"
                }
            ],
            "routes": [
                {
                    "dst": "0.0.0.0/0",
                    "gw": "10.1.0.1",
                    "mtu": 1400,
                    "advmss": 1360,
                    "priority": 7,
                    "table": 0,
                    "scope": 253
                }
            ],
            "dns": {}
        }
        """;

    public const string Interfaces110 = """
        {
            "cniVersion": "1.1.0",
            "interfaces": [
                {
                    "mac": "aa:bb",
                    "mtu": 1400,
                    "name": "e",
                    "pciID": "0000:00:1f.6",
                    "sandbox": "/x",
                    "socketPath": "/s"
                },
                {
                    "name": "h"
                }
            ],
            "ips": [
                {
                    "address": "10.1.0.5/24",
                    "gateway": "10.1.0.1",
                    "interface": 0
                },
                {
                    "address": "fd00::5/64"
                }
            ],
            "routes": [
                {
                    "advmss": 1360,
                    "dst": "0.0.0.0/0",
                    "gw": "10.1.0.1",
                    "mtu": 1400,
                    "priority": 7,
                    "scope": 253,
                    "table": 0
                }
            ]
        }
        """;

    public static string Of(string version) =>
        (version.StartsWith('1') ? V100 : version is "0.1.0" or "0.2.0" ? V020 : V040).Replace("VERSION", version, StringComparison.Ordinal);
}
