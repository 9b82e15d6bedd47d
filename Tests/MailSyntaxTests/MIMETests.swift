import Testing

@testable import MailSyntax

/// Text with LF as the octets of a message with CRLF.
func wire(_ text: String) -> [UInt8] { WireForm.convert(Array(text.utf8)) }

func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

@Suite struct MIMETests {
  /// The shape of RFC 3501 section 6.4.5's example of part numbers.
  static let nested = """
    Subject: outer
    Content-Type: multipart/mixed; boundary=outer

    preamble
    --outer

    part 1
    --outer
    Content-Type: application/octet-stream

    part 2
    --outer
    Content-Type: message/rfc822

    Subject: third
    Content-Type: multipart/mixed; boundary="in 3"

    --in 3

    part 3.1
    --in 3
    Content-Type: application/octet-stream

    part 3.2
    --in 3--
    --outer
    Content-Type: multipart/mixed; boundary=four

    --four
    Content-Type: image/gif

    part 4.1
    --four
    Content-Type: message/rfc822

    Subject: fourth
    Content-Type: multipart/mixed; boundary=fourtwo

    --fourtwo
    Content-Type: text/plain

    part 4.2.1
    --fourtwo
    Content-Type: multipart/alternative; boundary=fourtwotwo

    --fourtwotwo
    Content-Type: text/plain

    part 4.2.2.1
    --fourtwotwo
    Content-Type: text/richtext

    part 4.2.2.2
    --fourtwotwo--
    --fourtwo--
    --four--
    epilogue of 4
    --outer--
    epilogue

    """

  private func content(_ bytes: [UInt8], _ section: String) -> String? {
    guard let parsed = MIMESection(Array(section.utf8)) else { return "BAD SECTION" }
    return string(MIMEPart.parse(bytes).content(of: parsed, in: bytes.span))
  }

  @Test(arguments: [
    ("1", "part 1"), ("2", "part 2"), ("3.1", "part 3.1"), ("3.2", "part 3.2"), ("4.1", "part 4.1"),
    ("4.2.1", "part 4.2.1"), ("4.2.2.1", "part 4.2.2.1"), ("4.2.2.2", "part 4.2.2.2"),
    ("HEADER.FIELDS (subject)", "Subject: outer\r\n\r\n"), ("3.HEADER.FIELDS (SUBJECT)", "Subject: third\r\n\r\n"),
    ("4.2.HEADER.FIELDS.NOT (\"Content-Type\" X)", "Subject: fourth\r\n\r\n"),
    (
      "3.TEXT", "--in 3\r\n\r\npart 3.1\r\n--in 3\r\nContent-Type: application/octet-stream\r\n\r\npart 3.2\r\n--in 3--"
    ),
    ("2.MIME", "Content-Type: application/octet-stream\r\n\r\n"), ("4.2.MIME", "Content-Type: message/rfc822\r\n\r\n"),
    ("1.MIME", "\r\n"),
    ("3.HEADER", "Subject: third\r\nContent-Type: multipart/mixed; boundary=\"in 3\"\r\n\r\n"),
    ("4.2.2.1.MIME", "Content-Type: text/plain\r\n\r\n"),
  ])
  func `RFC 3501 6.4.5 part numbers, in CRLF files and LF files alike`(_ section: String, _ expected: String) {
    #expect(content(wire(Self.nested), section) == expected)
    #expect(content(Array(Self.nested.utf8), section) == expected)
  }

  @Test(arguments: ["0", "5", "1.1", "1.HEADER", "2.TEXT", "3.3", "4.2.2.3", "1.2.3.4.5", "4.HEADER"])
  func `Sections that are not there`(_ section: String) {
    #expect(
      content(wire(Self.nested), section) == nil
        || content(wire(Self.nested), section) == "BAD SECTION")
  }

  @Test(arguments: [
    "1.", ".1", "MIME", "01", "HEADER.FIELDS", "HEADER.FIELDS ()", "TEXT.1", "1..2", "FOO", "1000000000",
  ])
  func `Section texts that are no sections`(_ section: String) { #expect(MIMESection(Array(section.utf8)) == nil) }

  @Test func `A message that is no multipart has itself as part 1`() {
    let bytes = wire("Subject: x\n\nbody\n")
    #expect(content(bytes, "1") == "body\r\n" && content(bytes, "TEXT") == "body\r\n")
    #expect(content(bytes, "1.MIME") == "Subject: x\r\n\r\n" && content(bytes, "") == string(bytes))
    #expect(content(bytes, "2") == nil && content(bytes, "1.1") == nil)
    let forward = wire("Content-Type: message/rfc822\n\nSubject: in\n\ninner\n")
    #expect(content(forward, "1") == "Subject: in\r\n\r\ninner\r\n" && content(forward, "1.1") == "inner\r\n")
    #expect(content(forward, "1.HEADER") == "Subject: in\r\n\r\n" && content(forward, "1.TEXT") == "inner\r\n")
  }

  @Test func `Sizes and lines are those of the wire form`() throws {
    let lf = MIMEPart.parse(Array(Self.nested.utf8))
    let crlf = MIMEPart.parse(wire(Self.nested))
    func compare(_ left: MIMEPart, _ right: MIMEPart) {
      #expect(left.headerWireSize == right.headerRange.count && left.bodyWireSize == right.bodyRange.count)
      #expect(left.lineCount == right.lineCount && left.children.count == right.children.count)
      for (one, other) in zip(left.children, right.children) { compare(one, other) }
    }
    compare(lf, crlf)
    #expect(crlf.wireSize == wire(Self.nested).count)
    #expect(lf.wireSize == wire(Self.nested).count)
    #expect(try #require(crlf.part([4, 2])).bodyRange.count > 0)
  }

  @Test func `RFC 2046 5.1.1 preamble, epilogue, and a CRLF that belongs to the boundary`() throws {
    let root = MIMEPart.parse(
      wire(
        """
        MIME-Version: 1.0
        Content-type: multipart/mixed; boundary="simple boundary"

        This is the preamble.

        --simple boundary

        This is implicitly typed plain US-ASCII text.
        It does NOT end with a linebreak.
        --simple boundary
        Content-type: text/plain; charset=us-ascii

        This is explicitly typed plain US-ASCII text.
        It DOES end with a linebreak.

        --simple boundary--

        This is the epilogue.

        """))
    #expect(root.children.map(\.lineCount) == [1, 2])
    #expect(root.children.map(\.bodyRange.count) == [80, 78])
  }

  @Test func `Digests hold messages, and outer boundaries end inner parts`() {
    let root = MIMEPart.parse(
      wire(
        """
        Content-Type: multipart/digest; boundary=d

        --d

        Subject: one

        first
        --d

        Subject: two
        Content-Type: multipart/mixed; boundary=never

        --never

        open end
        --d--

        """))
    #expect(root.children.map(\.content) == [.message, .message])
    #expect(root.children[1].children[0].children[0].bodyRange.count == 8)
  }

  @Test func `A boundary that begins like another is told apart`() {
    let root = MIMEPart.parse(
      wire(
        """
        Content-Type: multipart/mixed; boundary=ab

        --ab
        Content-Type: multipart/mixed; boundary=abc

        --abc

        inner
        --abc--
        --ab

        outer
        --ab--

        """))
    #expect(root.children.count == 2 && root.children[0].children.count == 1)
  }

  @Test(arguments: [
    "", "\n", "\r\n", "Subject", "a:b", "\n\n", "Content-Type: multipart/mixed; boundary=x\n\n--x",
    "Content-Type: multipart/mixed; boundary=x\n--x\n--x\n--x--", "Content-Type: message/rfc822",
    "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n--x\n",
    "Content-Type: multipart/x\n\n",
    "Content-Type: multipart/digest; boundary=x\n\n--x\n--x\n\n--x--", "\u{0}: \u{0}\n \u{0}\n\n\u{0}",
  ])
  func `Stumps of messages parse and render`(_ text: String) {
    for bytes in [Array(text.utf8), wire(text)] {
      let root = MIMEPart.parse(bytes)
      #expect(root.range == 0..<bytes.count)
      let structure = IMAPStructures.bodyStructure(of: root, in: bytes.span)
      #expect(structure.filter { $0 == 0x28 }.count == structure.filter { $0 == 0x29 }.count)
      #expect(MessageIndexEntry.make(from: bytes).wireSize == WireForm.size(of: bytes))
    }
  }

  @Test func `HOSTILE row 9: nesting and numbers of parts are bounded`() {
    var text = ""
    for level in 0..<300 { text += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
    var part: MIMEPart? = MIMEPart.parse(Array(text.utf8))
    var depth = 0
    while let next = part {
      depth += 1
      part = next.children.first
    }
    #expect(depth == 100)
    let many = "Content-Type: multipart/mixed; boundary=b\n\n" + String(repeating: "--b\n\n", count: 30_000)
    #expect(MIMEPart.parse(Array(many.utf8)).children.count == 9_999)
    let chain = String(repeating: "Content-Type: message/rfc822\n\n", count: 500)
    #expect(!MessageIndexEntry.make(from: Array(chain.utf8)).bodyStructure.isEmpty)
  }

  /// HOSTILE row 9, CVE-2024-23185, CVE-2020-12100: a quadratic parser needs minutes for these, even when optimised.
  @Test func `Adversarial messages cost linear time`() {
    var nest = ""
    for level in 0..<99 {
      let boundary = String(repeating: "-", count: level + 1) + "\(level)"
      nest += "Content-Type: multipart/mixed; boundary=\"\(boundary)\"\n\n--\(boundary)\n"
    }
    let bombs = [
      nest + "\n" + String(repeating: "--\n", count: 300_000),
      nest + "\n" + String(repeating: String(repeating: "-", count: 150) + "\n", count: 6_000),
      String(repeating: "Content-Type: a/b\n", count: 60_000) + "\n",
      "To: a\n" + String(repeating: " b\n", count: 300_000) + "\n",
      "Content-Type: multipart/mixed; boundary=b\n\n" + (0..<60_000).map { "--q\($0)\n\n" }.joined(),
    ]
    let clock = ContinuousClock()
    for bomb in bombs {
      let bytes = Array(bomb.utf8)
      let took = clock.measure { _ = MessageIndexEntry.make(from: bytes) }
      #expect(took < .seconds(20))
    }
  }
}
