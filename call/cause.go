package call

// CauseOf is the Q.850 cause that says what a SIP final response says
// (RFC 3398 s8.2.6.1); 0 for a status that says nothing of the kind.
func CauseOf(status int) int {
	switch status {
	case 404, 485, 604:
		return 1 // unallocated number
	case 486, 600:
		return 17 // user busy
	case 480:
		return 18 // no user responding
	case 401, 402, 403, 407, 603:
		return 21 // call rejected
	case 410:
		return 22 // number changed
	case 482, 483:
		return 25 // exchange routing error
	case 484:
		return 28 // address incomplete
	case 502:
		return 38 // network out of order
	case 400, 481, 500, 503:
		return 41 // temporary failure
	case 405:
		return 63 // service or option not available
	case 406, 415, 501:
		return 79 // service or option not implemented
	case 408, 504:
		return 102 // recovery on timer expiry
	case 413, 414, 416, 420, 421, 423, 505, 513:
		return 127 // interworking
	}
	return 0
}

// StatusOf is the SIP final response that says what a Q.850 cause says
// (RFC 3398 s7.2.4.1): other where the cause is about no failure.
func StatusOf(cause, other int) int {
	switch cause {
	case 1, 2, 3, 26:
		return 404
	case 17:
		return 486
	case 18:
		return 408
	case 19, 20, 31:
		return 480
	case 21, 55, 57, 87:
		return 403
	case 22, 23:
		return 410
	case 27:
		return 502
	case 28:
		return 484
	case 29, 79:
		return 501
	case 34, 38, 41, 42, 47, 58, 88:
		return 503
	case 65, 70:
		return 488
	case 102:
		return 504
	case 111, 127:
		return 500
	}
	return other
}
