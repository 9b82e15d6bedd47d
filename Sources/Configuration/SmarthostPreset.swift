/// A provider's server for outgoing mail, by name (R67).
package struct SmarthostPreset: Sendable, Equatable {
  /// What `queue.smarthost.preset` says.
  package let name: String
  /// The provider.
  package let title: String
  /// Its server.
  package let host: String
  /// Its port.
  package let port: Int
  /// As `queue.smarthost.tls`.
  package let tls: String
  /// What its customers include in their SPF; empty when it publishes nothing for them.
  package let spf: String

  private init(_ name: String, _ title: String, _ host: String, _ port: Int, spf: String = "") {
    self.name = name
    self.title = title
    self.host = host
    self.port = port
    tls = port == 465 ? "implicit" : "required"
    self.spf = spf
  }

  /// The preset of a name.
  package static func named(_ name: String) -> SmarthostPreset? { all.first { $0.name == name.lowercased() } }

  /// All of them, mailbox providers first, then those who send in bulk.
  package static let all: [SmarthostPreset] = [
    SmarthostPreset("gmail", "Gmail, Google Workspace", "smtp.gmail.com", 587, spf: "_spf.google.com"),
    SmarthostPreset("outlook", "Outlook.com", "smtp-mail.outlook.com", 587, spf: "spf.protection.outlook.com"),
    SmarthostPreset("office365", "Microsoft 365", "smtp.office365.com", 587, spf: "spf.protection.outlook.com"),
    SmarthostPreset("yahoo", "Yahoo Mail", "smtp.mail.yahoo.com", 465),
    SmarthostPreset("icloud", "iCloud Mail", "smtp.mail.me.com", 587, spf: "icloud.com"),
    SmarthostPreset("aol", "AOL", "smtp.aol.com", 465),
    SmarthostPreset("gmx", "GMX", "mail.gmx.com", 587),
    SmarthostPreset("zoho", "Zoho Mail", "smtp.zoho.com", 465, spf: "zoho.com"),
    SmarthostPreset("fastmail", "Fastmail", "smtp.fastmail.com", 465, spf: "spf.messagingengine.com"),
    SmarthostPreset("ovh", "OVH", "ssl0.ovh.net", 465, spf: "mx.ovh.com"),
    SmarthostPreset("ionos", "IONOS", "smtp.ionos.com", 587, spf: "_spf.perfora.net"),
    SmarthostPreset("orange", "Orange", "smtp.orange.fr", 465),
    SmarthostPreset("free", "Free", "smtp.free.fr", 465),
    SmarthostPreset("sfr", "SFR", "smtp.sfr.fr", 465),
    SmarthostPreset("laposte", "La Poste", "smtp.laposte.net", 465),
    SmarthostPreset("sendgrid", "SendGrid", "smtp.sendgrid.net", 587, spf: "sendgrid.net"),
    SmarthostPreset("mailgun", "Mailgun", "smtp.mailgun.org", 587, spf: "mailgun.org"),
    SmarthostPreset("mailjet", "Mailjet", "in-v3.mailjet.com", 587, spf: "spf.mailjet.com"),
    SmarthostPreset("brevo", "Brevo (Sendinblue)", "smtp-relay.brevo.com", 587, spf: "spf.brevo.com"),
    SmarthostPreset("amazon-ses", "Amazon SES", "email-smtp.us-east-1.amazonaws.com", 587, spf: "amazonses.com"),
    SmarthostPreset("postmark", "Postmark", "smtp.postmarkapp.com", 587, spf: "spf.mtasv.net"),
    SmarthostPreset("mandrill", "Mailchimp Transactional", "smtp.mandrillapp.com", 587, spf: "spf.mandrillapp.com"),
    SmarthostPreset("elasticemail", "Elastic Email", "smtp.elasticemail.com", 2525, spf: "_spf.elasticemail.com"),
  ]
}

/// A server that takes all outbound mail.
package struct SmarthostSetting: Sendable {
  /// Its name or address and port.
  package var address: HostPort
  /// `none`, `opportunistic`, `required` or `implicit`.
  package var tls: String
  /// Login there, when it wants one.
  package var username: String?
  /// Absolute path of the file whose first line is the password.
  package var passwordFile: String?
  /// The preset it comes from.
  package var preset: SmarthostPreset?
  /// Messages it may be given within 24 hours; `nil` for no cap (R68).
  package var daily: Int?
  /// Messages it may be given within 30 days; `nil` for no cap (R68).
  package var monthly: Int?
}

extension SmarthostSetting {
  /// A preset without login, for networks that the provider knows.
  init(_ preset: SmarthostPreset) {
    self.init(
      address: HostPort(host: preset.host, port: preset.port), tls: preset.tls, username: nil, passwordFile: nil,
      preset: preset)
  }
}

extension SmarthostSetting {
  /// `host:port`, a preset's name, or a mapping with `host` or `preset`, `tls`, `username`, `password-file`, `daily` and
  /// `monthly`.
  init?(_ reader: SettingsReader, _ name: String, _ base: String) {
    guard let node = reader.node(name) else { return nil }
    if let text = node.scalar?.string {
      if let preset = SmarthostPreset.named(text) {
        self.init(preset)
        return
      }
      guard text.contains(where: { ".:".contains($0) }), let address = HostPort(text, defaultPort: 25) else {
        reader.fault(name, "must be a host and port, such as smtp.example.com:587, or a preset's name", node)
        return nil
      }
      self.init(address: address, tls: "opportunistic", username: nil, passwordFile: nil)
      return
    }
    let section = reader.section(name)
    defer { section.finish() }
    let preset = Self.preset(section)
    let tls = section.string(
      "tls", default: preset?.tls ?? "opportunistic", oneOf: ["none", "opportunistic", "required", "implicit"])
    let username = section.string("username")
    let passwordFile = section.string("password-file").map { resolve($0, base) }
    if (username == nil) != (passwordFile == nil) {
      section.fault("username", "and \"password-file\" go together", node)
    }
    let cap = 1...1_000_000_000
    let daily = section.node("daily").map { _ in section.integer("daily", default: 1, in: cap) }
    let monthly = section.node("monthly").map { _ in section.integer("monthly", default: 1, in: cap) }
    let text = section.string("host") ?? preset.map { "\($0.host):\($0.port)" }
    guard let text, let address = HostPort(text, defaultPort: tls == "implicit" ? 465 : 587) else {
      section.fault("host", "must be a host and port, such as smtp.example.com:587", node)
      return nil
    }
    self.init(
      address: address, tls: tls, username: username, passwordFile: passwordFile, preset: preset, daily: daily,
      monthly: monthly)
  }

  private static func preset(_ section: SettingsReader) -> SmarthostPreset? {
    guard let name = section.string("preset") else { return nil }
    let preset = SmarthostPreset.named(name)
    if preset == nil {
      let near = nearest(to: name, among: SmarthostPreset.all.map(\.name)).map { "; did you mean \"\($0)\"?" }
      section.fault(
        "preset", "is not known\(near ?? ""); martinet smarthost list names them all", section.node("preset"))
    }
    return preset
  }
}
