/// What a status response says to programs (RFC 3501 section 7.1, RFC 5530 and others).
enum ResponseCode: Equatable, Sendable {
  case plain(StaticString)
  case withText(String)

  static let alert = ResponseCode.plain("ALERT")
  static let alreadyExists = ResponseCode.plain("ALREADYEXISTS")
  static let authenticationFailed = ResponseCode.plain("AUTHENTICATIONFAILED")
  static let authorizationFailed = ResponseCode.plain("AUTHORIZATIONFAILED")
  static let cannot = ResponseCode.plain("CANNOT")
  static let clientBug = ResponseCode.plain("CLIENTBUG")
  static let closed = ResponseCode.plain("CLOSED")
  static let contactAdmin = ResponseCode.plain("CONTACTADMIN")
  static let corruption = ResponseCode.plain("CORRUPTION")
  static let expungeIssued = ResponseCode.plain("EXPUNGEISSUED")
  static let hasChildren = ResponseCode.plain("HASCHILDREN")
  static let inUse = ResponseCode.plain("INUSE")
  static let limit = ResponseCode.plain("LIMIT")
  static let noPermission = ResponseCode.plain("NOPERM")
  static let nonExistent = ResponseCode.plain("NONEXISTENT")
  static let notSaved = ResponseCode.plain("NOTSAVED")
  static let overQuota = ResponseCode.plain("OVERQUOTA")
  static let privacyRequired = ResponseCode.plain("PRIVACYREQUIRED")
  static let readOnly = ResponseCode.plain("READ-ONLY")
  static let readWrite = ResponseCode.plain("READ-WRITE")
  static let serverBug = ResponseCode.plain("SERVERBUG")
  static let tooBig = ResponseCode.plain("TOOBIG")
  static let tryCreate = ResponseCode.plain("TRYCREATE")
  static let unavailable = ResponseCode.plain("UNAVAILABLE")
  static let useAttr = ResponseCode.plain("USEATTR")

  /// BADURL (RFC 4469) with the URL, as far as it is text that a response code may hold.
  static func badURL(_ url: [UInt8]) -> ResponseCode {
    let text = url.prefix(1000).map { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "]") ? $0 : UInt8(ascii: "?") }
    return .withText("BADURL \(String(decoding: text, as: UTF8.self))")
  }

  /// BADCHARSET with the charsets a client can fall back to.
  static let badCharset = ResponseCode.plain("BADCHARSET (US-ASCII UTF-8)")

  static func == (left: ResponseCode, right: ResponseCode) -> Bool { left.description == right.description }
}

extension ResponseCode: CustomStringConvertible {
  var description: String {
    switch self {
    case .plain(let text): "\(text)"
    case .withText(let text): text
    }
  }
}

/// A command that ends with `NO` or `BAD`, and why.
struct Refusal: Error, Equatable {
  enum Status: String, Sendable {
    case no = "NO"
    case bad = "BAD"
  }

  var status: Status
  var code: ResponseCode?
  var text: String

  static func no(_ code: ResponseCode?, _ text: String) -> Refusal { Refusal(status: .no, code: code, text: text) }

  static func bad(_ text: String) -> Refusal { Refusal(status: .bad, code: nil, text: text) }

  static let lineTooLong = Refusal.bad("Command line too long")

  /// A message sequence number under UIDONLY (RFC 9586 section 3).
  static let uidRequired = Refusal(
    status: .bad, code: .plain("UIDREQUIRED"), text: "Message numbers are not used any more; use the UID form")
}
