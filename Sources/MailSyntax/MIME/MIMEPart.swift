/// A message or one of its parts: where it stands in the file, and what its MIME header fields say.
///
/// Ranges are offsets into the octets that were parsed; sizes for clients are in wire form, each LF as CRLF.
package struct MIMEPart: Sendable {
  /// What is inside a part.
  package enum Content: Hashable, Sendable {
    /// Octets only.
    case leaf
    /// Parts, in `children`; may be none when no boundary was found.
    case multipart
    /// One message, the only element of `children`.
    case message
  }

  /// Limits of a parse, with defaults from HOSTILE.md row 9.
  package struct Limits: Sendable {
    /// Deepest nesting of multiparts and messages; what lies deeper is one leaf.
    package var depth = 100
    /// Most parts; later boundaries are text.
    package var parts = 10_000
    /// Most octets looked at of one structured header field.
    package var fieldOctets = 65_536
    /// Longest boundary that is compared; of longer ones only the beginning counts.
    package var boundaryOctets = 256
    /// The defaults.
    package init() {}
  }

  /// The header section with its blank line.
  package internal(set) var headerRange: Range<Int>
  /// What stands behind the header section; for a multipart with preamble, parts and epilogue.
  package internal(set) var bodyRange: Range<Int>
  /// LFs without CR in the header section.
  package internal(set) var headerBareLineFeeds = 0
  /// LFs without CR in the body.
  package internal(set) var bodyBareLineFeeds = 0
  /// Line ends in the body.
  package internal(set) var lineCount = 0

  /// What is inside.
  package internal(set) var content = Content.leaf
  /// The media type in lower case.
  package internal(set) var type = "text"
  /// The subtype in lower case.
  package internal(set) var subtype = "plain"
  /// Parameters of Content-Type.
  package internal(set) var parameters: [MIMEParameter] = []
  /// Content-Transfer-Encoding in lower case; `7bit` when absent.
  package internal(set) var encoding = "7bit"
  /// Content-ID as written.
  package internal(set) var id: [UInt8]?
  /// Content-Description as written, unfolded.
  package internal(set) var description: [UInt8]?
  /// Content-MD5 as written.
  package internal(set) var md5: [UInt8]?
  /// The disposition type in lower case.
  package internal(set) var disposition: String?
  /// Parameters of Content-Disposition.
  package internal(set) var dispositionParameters: [MIMEParameter] = []
  /// The tags of Content-Language.
  package internal(set) var languages: [[UInt8]] = []
  /// Content-Location as written.
  package internal(set) var location: [UInt8]?
  /// The parts of a multipart, or the one message of a message/rfc822.
  package internal(set) var children: [MIMEPart] = []

  init(start: Int) {
    headerRange = start..<start
    bodyRange = start..<start
  }

  /// Header section and body.
  package var range: Range<Int> { headerRange.lowerBound..<max(headerRange.lowerBound, bodyRange.upperBound) }
  /// Size of the header section in wire form.
  package var headerWireSize: Int { headerRange.count + headerBareLineFeeds }
  /// Size of the body in wire form.
  package var bodyWireSize: Int { bodyRange.count + bodyBareLineFeeds }
  /// Size of header section and body in wire form: RFC822.SIZE for the root.
  package var wireSize: Int { headerWireSize + bodyWireSize }
  /// Whether this is `text/…`.
  package var isText: Bool { content == .leaf && type == "text" }
  /// The file name a reader sees: Content-Disposition's `filename`, else Content-Type's `name`.
  package var filename: String? { (dispositionParameters.named("filename") ?? parameters.named("name"))?.text }
  /// The charset of a text part in lower case; `us-ascii` when none is named.
  package var charset: String { parameters.named("charset").map { ASCII.lowercased($0.text) } ?? "us-ascii" }

  /// Parses a whole message in time linear to its size.
  package static func parse(_ bytes: Span<UInt8>, limits: Limits = Limits()) -> MIMEPart {
    var parser = MIMEParser(limits: limits)
    return parser.parse(bytes)
  }

  /// Parses a whole message in time linear to its size.
  package static func parse(_ bytes: [UInt8], limits: Limits = Limits()) -> MIMEPart {
    parse(bytes.span, limits: limits)
  }
}
