import CCrypt

/// crypt(3) of libxcrypt, with octets for passwords.
enum Crypt {
  /// libxcrypt's CRYPT_OUTPUT_SIZE.
  private static let outputSize = 384

  /// The hash of a password by a setting or an earlier hash; `nil` when the setting is unknown, or the password holds a
  /// NUL or is longer than crypt(3) takes.
  static func hash(_ password: [UInt8], setting: String) -> String? {
    guard password.count < 512, !password.contains(0) else { return nil }
    var phrase = password.map { CChar(bitPattern: $0) } + [0]
    defer { phrase.withUnsafeMutableBytes { martinet_wipe($0.baseAddress, $0.count) } }
    var output = [CChar](repeating: 0, count: outputSize)
    guard martinet_crypt(phrase, setting, &output, output.count) == 0 else { return nil }
    return string(output)
  }

  /// A setting for a new yescrypt hash with a fresh salt; cost 0 is the library's default.
  static func yescryptSetting(cost: UInt) -> String? {
    var output = [CChar](repeating: 0, count: outputSize)
    guard martinet_gensalt("$y$", cost, &output, output.count) == 0 else { return nil }
    return string(output)
  }

  private static func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What verifying a crypt(3) string costs, read from its parameters before it is let into the database.
enum CryptCost {
  /// Most rounds of `$5$` and `$6$` (100,000 take 43 ms).
  static let largestRounds = 500_000
  /// Highest cost of bcrypt (12 takes 272 ms).
  static let largestBlowfishCost = 13
  /// Most memory of `$y$` and `$7$`, in octets (64 MiB take 80 to 160 ms).
  static let largestMemory: UInt64 = 64 << 20

  /// - Throws: ``AccountsError`` with code `usage` for unknown kinds, `over-limit` for excessive costs.
  static func check(_ text: String) throws(AccountsError) {
    let fields = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
    guard fields.count >= 2, fields[0].isEmpty else { return try checkDES(text) }
    switch fields[1] {
    case "1": return
    case "5", "6": try checkSHA(fields)
    case "2a", "2b", "2y": try checkBlowfish(fields)
    case "y", "gy": try checkYescrypt(fields)
    case "7": try checkScrypt(fields)
    default: throw AccountsError(.usage, "crypt(3) kind $\(fields[1])$ cannot be verified here; set a new password")
    }
  }

  private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
  private static let malformed = AccountsError(.usage, "not a crypt(3) string")
  private static let tooCostly = AccountsError(.overLimit, "the hash is too costly to verify at every login")

  private static func checkDES(_ text: String) throws(AccountsError) {
    guard text.utf8.count == 13, text.utf8.allSatisfy(alphabet.contains) else { throw malformed }
  }

  private static func checkSHA(_ fields: [String]) throws(AccountsError) {
    guard fields.count >= 4 else { throw malformed }
    guard fields[2].hasPrefix("rounds=") else { return }
    guard let rounds = Int(fields[2].dropFirst("rounds=".count)) else { throw malformed }
    guard rounds <= largestRounds else { throw tooCostly }
  }

  private static func checkBlowfish(_ fields: [String]) throws(AccountsError) {
    guard fields.count == 4, fields[2].utf8.count == 2, let cost = Int(fields[2]), fields[3].utf8.count == 53 else {
      throw malformed
    }
    guard cost <= largestBlowfishCost else { throw tooCostly }
  }

  /// `$y$` flavour, N and r in libxcrypt's base 64: `j9T` is N = 2^12, r = 32.
  private static func checkYescrypt(_ fields: [String]) throws(AccountsError) {
    let parameters = Array(fields[2].utf8)
    guard fields.count >= 5, parameters.count >= 3, let logN = alphabet.firstIndex(of: parameters[1]),
      let blocks = alphabet.firstIndex(of: parameters[2])
    else { throw malformed }
    // More parameters (p, t, g) multiply the time; no gensalt writes them.
    guard parameters.count == 3, blocks < 47 else { throw tooCostly }
    try checkMemory(logN: logN + 1, blocks: UInt64(blocks) + 1)
  }

  /// `$7$`: one digit for log2 N, five for r and five for p, least significant first.
  private static func checkScrypt(_ fields: [String]) throws(AccountsError) {
    let parameters = Array(fields[2].utf8)
    guard fields.count == 4, parameters.count >= 11, let logN = alphabet.firstIndex(of: parameters[0]),
      let blocks = number(parameters[1..<6]), let parallel = number(parameters[6..<11])
    else { throw malformed }
    let (work, overflow) = blocks.multipliedReportingOverflow(by: max(1, parallel))
    guard !overflow else { throw tooCostly }
    try checkMemory(logN: logN, blocks: work)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits.reversed() {
      guard let part = alphabet.firstIndex(of: digit) else { return nil }
      value = value << 6 | UInt64(part)
    }
    return value
  }

  private static func checkMemory(logN: Int, blocks: UInt64) throws(AccountsError) {
    guard logN <= 24, blocks > 0, blocks <= 1 << 20, blocks * 128 << UInt64(logN) <= largestMemory else {
      throw tooCostly
    }
  }
}
