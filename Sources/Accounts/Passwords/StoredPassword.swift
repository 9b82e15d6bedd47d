import Basics
import MailSyntax
import Wire

/// A password as it lies in the database or comes from another system: a crypt(3) string, or `{SCHEME}` and a value.
///
///     try StoredPassword("{SSHA256.hex}…").matches(password)
struct StoredPassword: Sendable {
  /// How to compare.
  private enum Form: Sendable {
    case crypt(String)
    case clear([UInt8])
    case digest(DigestKind, value: [UInt8], salt: [UInt8])
    case scram(SCRAMKeys)
  }
  private let form: Form

  /// Reads a stored password.
  ///
  /// - Throws: ``AccountsError`` with code `usage` that names the scheme this host cannot verify.
  init(_ text: String) throws(AccountsError) {
    guard text.utf8.first == UInt8(ascii: "{") else {
      form = .crypt(try Self.checkedCrypt(text))
      return
    }
    guard let close = text.firstIndex(of: "}") else { throw AccountsError(.usage, "password scheme without }") }
    let name = text[text.index(after: text.startIndex)..<close].uppercased()
    form = try Self.form(scheme: name, value: String(text[text.index(after: close)...]))
  }

  /// Whether this is the password; blocks for as long as the hash is meant to.
  func matches(_ password: [UInt8]) -> Bool {
    // crypt(3) would stop at a NUL, and HMAC pads its key with them: neither may make another password right.
    guard !password.contains(0) else { return false }
    switch form {
    case .crypt(let stored):
      guard let computed = Crypt.hash(password, setting: stored) else { return false }
      return constantTimeEqual(Array(computed.utf8), Array(stored.utf8))
    case .clear(let clear):
      // Lengths are hidden too.
      return constantTimeEqual(DigestKind.sha256.digest(clear), DigestKind.sha256.digest(password))
    case .digest(let kind, let value, let salt):
      return constantTimeEqual(kind.digest(password + salt), value)
    case .scram(let keys):
      guard
        let derived = try? SCRAMKeys.derive(password: password, salt: keys.salt, iterations: keys.iterations)
      else { return false }
      return constantTimeEqual(derived.storedKey, keys.storedKey)
    }
  }

  /// The SCRAM keys, when the string carries some.
  var scramKeys: SCRAMKeys? {
    if case .scram(let keys) = form { return keys }
    return nil
  }

  /// Whether new passwords are written this way: libxcrypt's own yescrypt.
  static func isCurrent(_ text: String) -> Bool { text.hasPrefix("$y$") }

  /// Digest schemes: their algorithm, whether octets after the digest are a salt, and how the value is written.
  private static let digests: [String: (kind: DigestKind, isSalted: Bool, isHex: Bool)] = [
    "PLAIN-MD5": (.md5, false, true), "LDAP-MD5": (.md5, false, false), "SMD5": (.md5, true, false),
    "SHA": (.sha1, false, false), "SHA1": (.sha1, false, false), "SSHA": (.sha1, true, false),
    "SHA256": (.sha256, false, false), "SSHA256": (.sha256, true, false),
    "SHA512": (.sha512, false, false), "SSHA512": (.sha512, true, false),
  ]
  /// Schemes that only name what the crypt(3) string says anyway.
  private static let crypts: Set<String> = [
    "CRYPT", "DES-CRYPT", "MD5-CRYPT", "MD5", "BLF-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT",
  ]
  private static let clears: Set<String> = ["PLAIN", "CLEAR", "CLEARTEXT"]

  private static func form(scheme name: String, value: String) throws(AccountsError) -> Form {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let scheme = parts.first.map(String.init) ?? ""
    let encoding = parts.count == 2 ? String(parts[1]) : nil
    if scheme.hasPrefix("ARGON2") { throw argon2 }
    if crypts.contains(scheme) { return .crypt(try checkedCrypt(try text(value, encoding))) }
    if clears.contains(scheme) {
      let clear = Array(try text(value, encoding).utf8)
      guard !clear.isEmpty else { throw AccountsError(.usage, "empty password") }
      return .clear(clear)
    }
    if scheme == "SCRAM-SHA-256" { return .scram(try SCRAMString.keys(value)) }
    guard let digest = digests[scheme] else {
      throw AccountsError(.usage, "password scheme {\(name)} cannot be verified here; set a new password")
    }
    guard let bytes = decoded(value, encoding ?? (digest.isHex ? "HEX" : "B64")) else {
      throw AccountsError(.usage, "the value of {\(name)} is neither base64 nor hexadecimal")
    }
    guard digest.isSalted ? bytes.count > digest.kind.length : bytes.count == digest.kind.length else {
      throw AccountsError(.usage, "the value of {\(name)} has the wrong length")
    }
    let value = Array(bytes.prefix(digest.kind.length))
    return .digest(digest.kind, value: value, salt: Array(bytes.dropFirst(digest.kind.length)))
  }

  private static func decoded(_ value: String, _ encoding: String) -> [UInt8]? {
    switch encoding {
    case "HEX": Hexadecimal.decode(value.utf8)
    case "B64", "BASE64": Base64.decode(value)
    default: nil
    }
  }

  private static func text(_ value: String, _ encoding: String?) throws(AccountsError) -> String {
    guard let encoding else { return value }
    guard let bytes = decoded(value, encoding), let text = String(validating: bytes, as: UTF8.self) else {
      throw AccountsError(.usage, "the value of the password scheme does not decode")
    }
    return text
  }

  private static let argon2 = AccountsError(
    .usage, "ARGON2 hashes cannot be verified here (libxcrypt has no argon2); set a new password")

  /// Lets through only strings libxcrypt verifies and whose cost is bounded: a cost is paid at every login.
  private static func checkedCrypt(_ text: String) throws(AccountsError) -> String {
    if text.hasPrefix("$argon2") { throw argon2 }
    guard text.utf8.count <= 256, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3a }) else {
      throw AccountsError(.usage, "not a crypt(3) string")
    }
    try CryptCost.check(text)
    return text
  }
}

/// The keys of SCRAM as Dovecot writes them: `iterations,salt,StoredKey,ServerKey`, the last three in base64.
enum SCRAMString {
  /// Most iterations a client and this host may be made to compute.
  static let largestIterations = 200_000

  static func keys(_ value: String) throws(AccountsError) -> SCRAMKeys {
    let parts = value.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 4, let iterations = Int(parts[0]), (1...largestIterations).contains(iterations),
      let salt = Base64.decode(parts[1]), !salt.isEmpty, let stored = Base64.decode(parts[2]), stored.count == 32,
      let server = Base64.decode(parts[3]), server.count == 32
    else { throw AccountsError(.usage, "the value of {SCRAM-SHA-256} is not iterations,salt,key,key") }
    return SCRAMKeys(salt: salt, iterations: iterations, storedKey: stored, serverKey: server)
  }
}
