/// The server's side of SCRAM-SHA-256 (RFC 5802 sections 5 and 7, RFC 7677), without the lookups.
struct SCRAMServer {
  /// Longest message taken from a client, in octets.
  static let longestMessage = 4096
  /// Longest client nonce, in octets.
  static let longestNonce = 512

  private let binding: [UInt8]
  private let isBound: Bool
  private let serverNonce: String
  private(set) var login = ""
  private(set) var authorizationID: String?
  private var header: [UInt8] = []
  private var clientFirstBare: [UInt8] = []
  private var serverFirst: [UInt8] = []
  private var nonce = ""
  private var keys: SCRAMKeys?

  /// - Parameters:
  ///   - binding: our channel binding, empty where there is none to offer.
  ///   - isBound: whether the mechanism is the -PLUS one.
  init(binding: [UInt8], isBound: Bool, nonce: String) {
    self.binding = binding
    self.isBound = isBound
    serverNonce = nonce
  }

  /// Whether the client's first message was answered.
  var isStarted: Bool { keys != nil }

  /// Reads `gs2-header client-first-message-bare`.
  mutating func readFirst(_ message: [UInt8]) throws(SASLError) {
    guard message.count <= Self.longestMessage, !message.contains(0) else { throw .badFormat }
    let parts = message.split(separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .badFormat }
    try checkFlag(String(decoding: parts[0], as: UTF8.self))
    if !parts[1].isEmpty { authorizationID = try Self.name(parts[1], "a=") }
    clientFirstBare = Array(parts[2])
    header = Array(message[..<parts[2].startIndex])
    let fields = parts[2].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    // `m=` first would be a mandatory extension; we know none (section 5.1).
    guard fields.count >= 2 else { throw .badFormat }
    login = try Self.name(fields[0], "n=")
    let clientNonce = try Self.value(fields[1], "r=")
    guard (1...Self.longestNonce).contains(clientNonce.count), clientNonce.allSatisfy({ (0x21...0x7e).contains($0) })
    else { throw .badFormat }
    nonce = String(decoding: clientNonce, as: UTF8.self) + serverNonce
  }

  /// Gives `server-first-message`.
  mutating func answerFirst(keys: SCRAMKeys) throws(SASLError) -> [UInt8] {
    self.keys = keys
    serverFirst = Array("r=\(nonce),s=\(Base64Text.encode(keys.salt)),i=\(keys.iterations)".utf8)
    return serverFirst
  }

  /// Reads `client-final-message` and checks the proof.
  ///
  /// - Returns: `server-final-message`, with our signature.
  /// - Throws: `LoginRefusal.badCredentials` for a wrong proof, `SASLError` for all else.
  func checkFinal(_ message: [UInt8]) throws -> [UInt8] {
    guard let keys, message.count <= Self.longestMessage else { throw SASLError.badFormat }
    guard let last = message.lastIndex(of: UInt8(ascii: ",")) else { throw SASLError.badFormat }
    let unproven = message[..<last]
    let fields = unproven.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard fields.count >= 2 else { throw SASLError.badFormat }
    let bound = Base64Text.decode(try Self.value(fields[0], "c="))
    guard bound == header + (isBound ? binding : []) else { throw SASLError.channelBinding }
    guard try Self.value(fields[1], "r=").elementsEqual(nonce.utf8) else { throw SASLError.badFormat }
    guard let proof = Base64Text.decode(try Self.value(message[(last + 1)...], "p=")), proof.count == SCRAMCrypto.length
    else { throw SASLError.badFormat }
    let comma: [UInt8] = [UInt8(ascii: ",")]
    let transcript = clientFirstBare + comma + serverFirst + comma + Array(unproven)
    let clientSignature = try SCRAMCrypto.hmac(key: keys.storedKey, transcript)
    let clientKey = zip(proof, clientSignature).map { $0 ^ $1 }
    guard SCRAMCrypto.isEqual(try SCRAMCrypto.hash(clientKey), keys.storedKey) else {
      throw LoginRefusal.badCredentials
    }
    return Array("v=\(Base64Text.encode(try SCRAMCrypto.hmac(key: keys.serverKey, transcript)))".utf8)
  }

  private func checkFlag(_ flag: String) throws(SASLError) {
    if isBound {
      guard flag == "p=tls-server-end-point" else { throw .channelBinding }
      return
    }
    switch flag {
    case "n": return
    // The client could bind but thinks we cannot: somebody took -PLUS out of our list (RFC 5802 section 6).
    case "y": if !binding.isEmpty { throw .channelBinding }
    default: throw flag.hasPrefix("p=") ? .channelBinding : .badFormat
    }
  }

  private static func value(_ field: ArraySlice<UInt8>, _ name: String) throws(SASLError) -> ArraySlice<UInt8> {
    guard field.starts(with: name.utf8) else { throw .badFormat }
    return field.dropFirst(name.utf8.count)
  }

  /// A saslname: `=2C` is a comma, `=3D` an equals sign, nothing else may follow `=`.
  private static func name(_ field: ArraySlice<UInt8>, _ prefix: String) throws(SASLError) -> String {
    var plain: [UInt8] = []
    var rest = try value(field, prefix)
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "=") else {
        plain.append(octet)
        continue
      }
      if rest.starts(with: "2C".utf8) {
        plain.append(UInt8(ascii: ","))
      } else if rest.starts(with: "3D".utf8) {
        plain.append(UInt8(ascii: "="))
      } else {
        throw .badFormat
      }
      rest = rest.dropFirst(2)
    }
    return try SASLText.name(plain[...])
  }
}
