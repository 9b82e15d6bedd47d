import Basics
import Configuration
import Delivery
import HelpPages
import IMAPServer
import MailSyntax
import Milter
import POP3Server
import SMTPClient
import SMTPServer

#if canImport(Glibc)
  import Glibc
#endif

// How the configuration becomes the settings of the protocol servers and of delivery.

extension SMTPServerSettings {
  init(_ configuration: Configuration, _ folder: DataFolder) {
    self.init()
    hostname = configuration.hostname
    greeting = configuration.smtp.greeting
    mailName = try? MailDomain(configuration.mailname)
    messageSize = Int(clamping: configuration.limits.messageSize)
    recipients = configuration.limits.recipients
    plaintextLogin = configuration.tls.plaintextLogin
    lineEnds = configuration.smtp.bareLineEnds == "normalise" ? .normalise : .refuse
    checksSenderDomain = configuration.smtp.checkSenderDomain
    badMailFrom = Set(configuration.smtp.badMailFrom.map { $0.lowercased() })
    firstMailTimeout = configuration.limits.loginTime
    for (name, networks) in configuration.smtp.allowFrom {
      if let role = SMTPRole(rawValue: name) { allowFrom[role] = networks }
    }
    blocklists = configuration.smtp.blocklists.compactMap { Blocklist($0) }
    for setting in configuration.milters {
      guard let endpoint = MilterSettings.Endpoint(setting.address) else { continue }
      var filter = MilterSettings(
        name: setting.name, endpoint: endpoint,
        onFailure: MilterSettings.FailurePolicy(rawValue: setting.onFailure) ?? .tempfail)
      filter.commandTimeout = setting.timeout
      for role in setting.listeners.compactMap({ SMTPRole(rawValue: $0) }) { milters[role, default: []].append(filter) }
    }
    refusesBulk = configuration.smtp.bulkMail == "refuse"
    longestHold = configuration.queue.lifetime
    spoolDirectory = "\(folder.queue)/incoming"
  }
}

extension ETRNSettings {
  init(_ configuration: Configuration) {
    self.init()
    for (name, networks) in configuration.smtp.etrn {
      let isTree = name.hasPrefix("@")
      guard let domain = try? MailDomain(isTree ? name.dropFirst() : name[...]) else { continue }
      nodes[(isTree ? "@" : "") + domain.ascii] = networks
    }
  }
}

extension POP3Settings {
  init(_ configuration: Configuration) {
    self.init(hostname: configuration.hostname)
    plaintextLogin = configuration.tls.plaintextLogin
    apop = configuration.pop3.apop
    helpURL = configuration.pop3.helpURL ?? configuration.page("/help/pop-too-often")
  }
}

extension HelpPagesSettings {
  init(_ configuration: Configuration) {
    self.init(hostname: configuration.hostname, clients: ClientSettings(configuration))
    unblockURL = configuration.page("/help/unblock", secure: true)
  }
}

extension Configuration {
  /// Where one of the host's own pages is read; `nil` without a listener for them.
  ///
  /// - Parameter secure: whether it must be HTTPS.
  func page(_ path: String, secure: Bool = false) -> String? {
    for (service, scheme) in [(ListenerService.http, "http"), (.https, "https")] where !secure || service == .https {
      guard let port = listeners.first(where: { $0.service == service })?.addresses.first?.port else { continue }
      return "\(scheme)://\(hostname)\(port == service.standardPort ? "" : ":\(port)")\(path)"
    }
    return nil
  }
}

extension IMAPSettings {
  init(_ configuration: Configuration, _ folder: DataFolder) {
    self.init(
      hostname: configuration.hostname, spoolDirectory: "\(folder.mail)/.incoming",
      plaintextLogin: configuration.tls.plaintextLogin, leaseLifetime: configuration.openSMTP.lifetime)
    limits.loginTimeout = configuration.limits.loginTime
    limits.idleKeepalive = configuration.imap.keepalive == .zero ? nil : configuration.imap.keepalive
    limits.processedMessages = configuration.imap.messageLimit > 0 ? configuration.imap.messageLimit : nil
  }
}

extension DeliverySettings {
  /// - Throws: `SetupError` when the smarthost's password or the rewriting key cannot be read.
  init(_ configuration: Configuration, _ folder: DataFolder) throws {
    self.init(hostname: configuration.hostname)
    bounceFormat = BounceFormat(rawValue: configuration.queue.bounceFormat) ?? .dsn
    delayWarning = configuration.queue.delayWarning
    concurrency = configuration.queue.concurrency
    destinationConcurrency = configuration.queue.destinationConcurrency
    connectionRate = configuration.queue.destinationRate
    pacePause = configuration.queue.pacePause
    remotePort = configuration.queue.remotePort
    smarthost = try configuration.queue.smarthost.map(Self.smarthost)
    tls = TLSPolicy(rawValue: configuration.queue.tls == "none" ? "off" : configuration.queue.tls) ?? .opportunistic
    dane = configuration.queue.dane
    sourceAddresses = configuration.queue.sourceAddresses
    for (name, sending) in configuration.queue.sending {
      guard let domain = try? MailDomain(name) else { continue }
      if let hello = sending.hello { helloNames[domain] = hello }
      if !sending.addresses.isEmpty { senderAddresses[domain] = sending.addresses }
    }
    for (name, route) in configuration.queue.routes {
      if let domain = try? MailDomain(name) { routes[domain] = try Self.smarthost(route) }
    }
    srsKey = try Self.secretKey("\(folder.path)/srs.key")
  }

  private static func smarthost(_ setting: SmarthostSetting) throws -> Smarthost {
    var password = ""
    if let file = setting.passwordFile {
      guard let text = SmallFile.text(file) else {
        throw SetupError("the smarthost's password file \(file) cannot be read: \(DataFolder.reason())")
      }
      password = String(text.prefix { $0 != "\n" && $0 != "\r\n" })
    }
    let policy: TLSPolicy =
      switch setting.tls {
      case "none": .off
      case "required": .required
      case "implicit": .implicit
      default: .opportunistic
      }
    var smarthost = Smarthost(
      host: setting.address.host, port: setting.address.port, tls: policy,
      verifiesName: policy == .required || policy == .implicit, login: setting.username, password: password)
    (smarthost.daily, smarthost.monthly) = (setting.daily, setting.monthly)
    return smarthost
  }

  /// The key in a file of this host, made on first use; it outlives restarts, so that rewritten senders stay valid.
  private static func secretKey(_ path: String) throws -> [UInt8] {
    if let text = SmallFile.text(path) {
      let key = Array(text.utf8.prefix { $0 != 0x0a })
      if key.count >= 32 { return key }
    }
    var generator = SystemRandomNumberGenerator()
    let digits = Array("0123456789abcdef")
    let key = String((0..<64).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
    try DataFolder.writeSmallFile(path, key + "\n", mode: 0o600)
    return Array(key.utf8)
  }
}
