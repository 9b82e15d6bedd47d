import Basics

extension TLSSection {
  init(_ reader: SettingsReader, _ base: String) {
    primary = CertificateFiles(reader, base)
    plaintextLogin = reader.bool("plaintext-login", default: false)
    hosts = [:]
    let names = reader.section("hosts")
    for name in names.names {
      let entry = names.section(name)
      if let files = CertificateFiles(entry, base) { hosts[name.lowercased()] = files }
      entry.finish()
    }
    names.finish()
    reader.finish()
  }
}

extension CertificateFiles {
  init?(_ reader: SettingsReader, _ base: String) {
    let certificate = reader.string("certificate")
    let key = reader.string("key")
    switch (certificate, key) {
    case (let certificate?, let key?):
      self.init(certificate: resolve(certificate, base), key: resolve(key, base))
    case (nil, nil):
      return nil
    case (_?, nil):
      reader.fault("key", "is missing beside \"certificate\"", reader.node("certificate"))
      return nil
    case (nil, _?):
      reader.fault("certificate", "is missing beside \"key\"", reader.node("key"))
      return nil
    }
  }
}

extension OpenSMTPSection {
  init(_ reader: SettingsReader) {
    enabled = reader.bool("enabled", default: true)
    lifetime = reader.duration("lifetime", default: .seconds(3600), in: .seconds(1)...(.seconds(86_400)))
    includeNetworks = reader.networks("include-networks")
    webmailNetworks = reader.networks("webmail-networks")
    sharedNetworks = reader.networks("shared-networks")
    sharedPolicy = reader.string("shared-policy", default: "short", oneOf: ["short", "auth"])
    listeners = reader.strings("listeners", default: ["smtp", "smtp-alt", "submission", "submissions"])
    let known = ["smtp", "smtp-alt", "submission", "submissions"]
    for name in listeners where !known.contains(name) {
      reader.fault(
        "listeners", "holds \"\(name)\"; known are \(known.joined(separator: ", "))", reader.node("listeners"))
    }
    senderPolicy = reader.string("sender-policy", default: "owned", oneOf: ["owned", "hosted-domain", "any"])
    requireTLS = reader.bool("require-tls", default: false)
    ipv6Prefix = reader.integer("ipv6-prefix", default: 64, in: 56...128)
    reader.finish()
  }
}

extension POP3Section {
  init(_ reader: SettingsReader) {
    loginDelay = reader.duration("login-delay", default: .seconds(60), in: .zero...(.seconds(300)))
    loginBurst = reader.integer("login-burst", default: 1, in: 1...100)
    throttleReply = reader.string(
      "throttle-reply", default: "resp-code", oneOf: ["resp-code", "cut", "ok-then-cut"])
    throttleKey = reader.string("throttle-key", default: "account+network", oneOf: ["account+network", "account"])
    helpURL = reader.string("help-url")
    apop = reader.bool("apop", default: false)
    reader.finish()
  }
}

extension IMAPSection {
  init(_ reader: SettingsReader) {
    keepalive = reader.duration("keepalive", default: .seconds(120), in: .zero...(.seconds(1800)))
    messageLimit = reader.integer("message-limit", default: 0, in: 0...10_000_000)
    // RFC 9738 section 3 asks for 1000 at least.
    if (1..<1000).contains(messageLimit) {
      reader.fault("message-limit", "must be 0 for no limit, or 1000 at least", reader.node("message-limit"))
    }
    reader.finish()
  }
}

extension SMTPSection {
  init(_ reader: SettingsReader) {
    greeting = reader.string("greeting") ?? "ESMTP Martinet"
    if greeting.utf8.contains(where: { $0 < 0x20 || $0 > 0x7e }) || greeting.utf8.count > 200 {
      reader.fault("greeting", "must be one short line of ASCII text", reader.node("greeting"))
    }
    checkSenderDomain = reader.bool("check-sender-domain", default: true)
    bareLineEnds = reader.string("bare-line-ends", default: "refuse", oneOf: ["refuse", "normalise"])
    badMailFrom = reader.strings("badmailfrom")
    allowFrom = Self.allowFrom(reader.section("allow-from"))
    blocklists = reader.strings("dnsbl")
    for text in blocklists where !Self.isBlocklist(text) {
      reader.fault("dnsbl", "holds \"\(text)\"; write a zone, or zone=127.0.0.2;127.0.0.4-11", reader.node("dnsbl"))
    }
    bulkMail = reader.string("bulk-mail", default: "accept", oneOf: ["accept", "refuse"])
    etrn = Self.etrn(reader.section("etrn"))
    reader.finish()
  }
}

extension SMTPSection {
  /// Whether a text is a zone, or a zone and the answers that count.
  private static func isBlocklist(_ text: String) -> Bool {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let isName = labels.allSatisfy { label in
      !label.isEmpty && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
    guard labels.count > 1, isName else { return false }
    guard parts.count == 2 else { return true }
    return parts[1].split(separator: ";", omittingEmptySubsequences: false).allSatisfy { word in
      let ends = word.split(separator: "-", omittingEmptySubsequences: false)
      return ends.count <= 2 && IPAddress(ends[0])?.bitWidth == 32 && (ends.count == 1 || UInt8(ends[1]) != nil)
    }
  }

  /// Listeners and the networks they serve.
  private static func allowFrom(_ reader: SettingsReader) -> [String: [IPNetwork]] {
    var networks: [String: [IPNetwork]] = [:]
    for name in ["smtp", "smtp-alt", "submission", "submissions"] where reader.node(name) != nil {
      networks[name] = reader.networks(name)
    }
    reader.finish()
    return networks
  }

  /// Domains and the networks that may start their queue.
  private static func etrn(_ reader: SettingsReader) -> [String: [IPNetwork]] {
    var nodes: [String: [IPNetwork]] = [:]
    for name in reader.names {
      let domain = name.hasPrefix("@") ? name.dropFirst() : name[...]
      if domain.isEmpty || domain.utf8.count > 253 || !domain.contains(".") || domain.contains(where: "@ []".contains) {
        reader.fault(name, "is no domain; write customer.example, or @customer.example for all below it too", nil)
      }
      nodes[name.lowercased()] = reader.networks(name)
    }
    reader.finish()
    return nodes
  }
}

extension LimitSection {
  init(_ reader: SettingsReader, _ base: String) {
    messageSize = reader.size("message-size", default: 10_240_000, in: 1000...(1 << 31))
    recipients = reader.integer("recipients", default: 100, in: 1...10_000)
    messagesPerMinute = reader.integer("messages-per-minute", default: 100, in: 1...1_000_000)
    unvalidatedPerMinute = reader.integer("unvalidated-per-minute", default: 10, in: 1...1_000_000)
    count = reader.string("count", default: "messages", oneOf: ["messages", "recipients"])
    unvalidatedScope = reader.string("unvalidated-scope", default: "clients", oneOf: ["clients", "all"])
    wellKnownDomains =
      reader.node("well-known-domains") == nil ? nil : reader.strings("well-known-domains").map { $0.lowercased() }
    strikes = reader.integer("strikes", default: 5, in: 0...1_000_000)
    blacklistTerms = reader.durations(
      "blacklist-terms", default: [.seconds(900), .seconds(3600), .seconds(86_400)],
      in: .seconds(1)...(.seconds(365 * 86_400)))
    overrunTarget = reader.string("overrun-target", default: "ip", oneOf: ["ip", "account-first"])
    silence = reader.string("silence", default: "silent", oneOf: ["silent", "reset", "reply", "export"])
    silenceTime = reader.duration("silence-time", default: .seconds(60), in: .zero...(.seconds(600)))
    exportFile = reader.string("export-file").map { resolve($0, base) }
    exportFormat = reader.string("export-format", default: "nft", oneOf: ["nft", "ipset"])
    selfLift = reader.duration("self-lift", default: .seconds(86_400), in: .zero...(.seconds(365 * 86_400)))
    connectionsPerAddress = reader.integer("connections-per-address", default: 50, in: 1...1_000_000)
    connections = reader.integer("connections", default: 20_000, in: 10...1_000_000)
    failedLoginsPerMinute = reader.integer("failed-logins-per-minute", default: 10, in: 1...100_000)
    loginTime = reader.duration("login-time", default: .seconds(180), in: .seconds(1)...(.seconds(3600)))
    exemptNetworks = reader.networks("exempt-networks")
    includeNetworks = reader.networks("include-networks")
    reader.finish()
  }
}

extension QueueSection {
  init(_ reader: SettingsReader, _ base: String) {
    lifetime = reader.duration("lifetime", default: .seconds(86_400), in: .seconds(1)...(.seconds(30 * 86_400)))
    delayWarning = reader.duration("delay-warning", default: .seconds(4 * 3600), in: .zero...(.seconds(30 * 86_400)))
    smarthost = SmarthostSetting(reader, "smarthost", base)
    sourceAddresses = reader.addresses("source-addresses")
    sending = Self.sending(reader.section("sending"))
    routes = Self.routes(reader.section("routes"), base)
    tls = reader.string("tls", default: "opportunistic", oneOf: ["none", "opportunistic", "required"])
    listingZones = reader.node("dnsbl-watch") == nil ? nil : reader.strings("dnsbl-watch")
    listingInterval = reader.duration(
      "dnsbl-interval", default: .seconds(86_400), in: .seconds(1)...(.seconds(30 * 86_400)))
    dane = reader.bool("dane", default: true)
    concurrency = reader.integer("concurrency", default: 100, in: 1...10_000)
    destinationConcurrency = reader.integer("destination-concurrency", default: 20, in: 1...1000)
    destinationRate = reader.integer("destination-rate", default: 5, in: 0...10_000)
    pacePause = reader.duration("pace-pause", default: .seconds(60), in: .seconds(1)...(.seconds(3600)))
    bounceFormat = reader.string("bounce-format", default: "dsn", oneOf: ["dsn", "qsbmf"])
    remotePort = reader.integer("remote-port", default: 25, in: 1...65_535)
    reader.finish()
  }

  private static func sending(_ reader: SettingsReader) -> [String: SendingSetting] {
    var settings: [String: SendingSetting] = [:]
    for name in reader.names {
      let entry = reader.section(name)
      settings[name.lowercased()] = SendingSetting(
        hello: entry.string("hello"), addresses: entry.addresses("addresses"))
      entry.finish()
    }
    reader.finish()
    return settings
  }

  private static func routes(_ reader: SettingsReader, _ base: String) -> [String: SmarthostSetting] {
    var routes: [String: SmarthostSetting] = [:]
    for name in reader.names {
      if let route = SmarthostSetting(reader, name, base) { routes[name.lowercased()] = route }
    }
    reader.finish()
    return routes
  }
}

extension MilterSetting {
  init(_ reader: SettingsReader) {
    address = reader.string("address") ?? ""
    if !address.contains(":") {
      reader.fault("address", "must be host:port or unix:/path of the filter", reader.node("address"))
    }
    name = reader.string("name") ?? address
    onFailure = reader.string("on-failure", default: "tempfail", oneOf: ["accept", "tempfail", "reject"])
    let known = ["smtp", "smtp-alt", "submission", "submissions"]
    listeners = reader.strings("listeners", default: known)
    for listener in listeners where !known.contains(listener) {
      reader.fault(
        "listeners", "holds \"\(listener)\"; known are \(known.joined(separator: ", "))", reader.node("listeners"))
    }
    timeout = reader.duration("timeout", default: .seconds(30), in: .seconds(1)...(.seconds(600)))
    reader.finish()
  }
}

extension DNSSection {
  init(_ reader: SettingsReader, _ base: String) {
    servers = []
    for text in reader.strings("servers") {
      guard let address = HostPort(text, defaultPort: 53), IPAddress(address.host) != nil else {
        reader.fault("servers", "holds \"\(text)\"; write an address such as \"127.0.0.1:53\"", reader.node("servers"))
        continue
      }
      servers.append(address)
    }
    let anchor = reader.string("trust-anchor")
    validates = anchor != "none"
    trustAnchor = anchor.flatMap { $0 == "none" ? nil : resolve($0, base) }
    reader.finish()
  }
}

extension StorageSection {
  init(_ reader: SettingsReader, _ base: String) {
    template = reader.string("template").map { resolve($0, base) }
    threads = reader.integer("threads", default: 16, in: 1...256)
    cache = reader.size("cache", default: 64 << 20, in: (1 << 20)...(1 << 36))
    undelete = reader.duration("undelete", default: .zero, in: .zero...(.seconds(365 * 86_400)))
    undeleteSize = reader.size("undelete-size", default: 1 << 30, in: (1 << 20)...(1 << 46))
    textIndex = reader.bool("text-index", default: true)
    textIndexMessage = reader.size("text-index-message", default: 1 << 20, in: 1024...(64 << 20))
    textIndexSize = reader.size("text-index-size", default: 4 << 30, in: (1 << 20)...(1 << 44))
    quotaWarning = reader.integer("quota-warning", default: 90, in: 0...100)
    reader.finish()
  }
}
